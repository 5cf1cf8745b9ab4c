"""Benchmarks: each compares, in one run, with named peers and with the physical limit."""

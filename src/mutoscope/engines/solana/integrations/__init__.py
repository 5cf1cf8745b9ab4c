"""Thin bridges to what a project may use already: each is one module, and needs its own extra."""

"""Asking nodes: several of them, within their limits, and without believing any of them more than needed."""

"""Watching the chain with as few questions as possible."""

"""Paying for a pack: what billing needs from whoever takes the money."""

"""Telling what happened: written with what happened, told afterwards, at least once, each with a key."""

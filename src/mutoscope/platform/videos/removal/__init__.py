"""Deleting a film that nobody could have bought, with all that belongs to it."""

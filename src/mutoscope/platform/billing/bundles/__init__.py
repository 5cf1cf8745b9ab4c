"""Several films at one price, unlocked with one click."""

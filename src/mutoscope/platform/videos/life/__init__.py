"""A film's moves from one state to the next."""

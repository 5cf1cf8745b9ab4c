"""Closing an account: what prevents it, two weeks to come back, and what is erased after them."""

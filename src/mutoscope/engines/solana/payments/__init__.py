"""Payments: what is expected, what was received, and what that means."""

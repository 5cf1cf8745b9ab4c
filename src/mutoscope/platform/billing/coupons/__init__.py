"""Codes that a creator gives out, and what they take off."""

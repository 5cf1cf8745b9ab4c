"""Sessions that may have keys, and the keys."""

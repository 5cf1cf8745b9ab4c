"""Whether the books agree with what was agreed."""

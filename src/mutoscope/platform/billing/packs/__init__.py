"""Points sold together, and points given."""

"""A creator's statement of each month, with a number, that is never changed."""

"""People who come in by another door than the sign-up page: the first operator, demo data, imports."""

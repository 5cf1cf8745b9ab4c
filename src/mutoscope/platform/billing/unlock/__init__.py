"""One click, one charge, and the film plays."""

"""A purchase taken back by staff."""

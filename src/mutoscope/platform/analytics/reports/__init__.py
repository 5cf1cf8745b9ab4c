"""A creator's dashboard: one page for the channel, one for each film."""

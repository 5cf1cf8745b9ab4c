"""Open a channel, edit it, look at it."""

"""Where somebody was in a film, and what they have watched."""

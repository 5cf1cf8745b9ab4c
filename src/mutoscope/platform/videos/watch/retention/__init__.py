"""Which moments of a film were shown, to how many playbacks."""

"""People, how they sign in, and the channels they open."""

"""Films: how they come in, how they are made ready, how they are watched."""

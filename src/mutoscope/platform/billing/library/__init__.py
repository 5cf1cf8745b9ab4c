"""What a viewer may watch, and how long."""

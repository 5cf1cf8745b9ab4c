"""What a viewer has, and where it went."""

"""What a creator earned."""

"""What creators learn of their films: how many looked, watched, bought; and what it earned."""

"""What the launcher's end means. Standard library only: the launcher uses it, too."""

EXIT_NO_WALL = 96
"""The walls could not be put up, so the program was not started. The reason is on standard error."""

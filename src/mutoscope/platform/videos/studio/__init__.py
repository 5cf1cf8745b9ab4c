"""The creator's pages about films: the list with uploads, and one page for each film."""

"""Rules about films that need no framework: their life, their ladder, where their files lie."""

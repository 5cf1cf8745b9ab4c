"""A creator asks to be paid."""

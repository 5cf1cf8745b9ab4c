"""What a fresh sandbox is furnished with, so that whoever opens it can try every side of it at once."""

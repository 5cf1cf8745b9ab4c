"""Visits and beats, added up by film and day."""

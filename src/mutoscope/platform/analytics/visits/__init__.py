"""Visits of films' pages, counted and not recorded."""

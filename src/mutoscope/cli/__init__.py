"""The one entry point, `mutoscope`: what a person types, turned into calls on the site and the engines."""

from __future__ import annotations

from mutoscope.cli.entry import main

__all__ = ["main"]

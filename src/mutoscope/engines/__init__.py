"""Machinery that knows nothing of video. Each engine is a Django app or a library usable alone in any project."""

"""Watching a film: its page, the playback with its keys, where one was, and the film on other sites."""

"""Subtitles: sent by a creator, or found in a film, as clean WebVTT."""

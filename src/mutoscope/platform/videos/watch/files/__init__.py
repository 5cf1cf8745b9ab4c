"""The published files of films: ciphertext, pictures, subtitles and playlists."""

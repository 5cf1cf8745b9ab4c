"""Where the files of a video lie in the storage, and how they are named.

    {public id}/{edition token}/                       one edition: all of it, or nothing, is shown
        {rendition or track}/init-{random}.mp4         encrypted under nothing: it holds no picture
        {rendition or track}/{number}-{random}.m4s     ciphertext
        {rendition or track}/playlist.m3u8
        iframes/...                                    one picture a segment, for quick seeking
        sprites/{number}-{random}.jpg, sprites/map.vtt
        trailer-{random}.mp4                           a few seconds in the clear, without sound
        main.m3u8, manifest.json
    {public id}/covers/{random}.jpg
    {public id}/subtitles/{random}.vtt

A name carries random letters, so two workers that make the same segment never write the same file, and a file never
changes once it is there: whoever fetched it may keep it for ever.
"""

from __future__ import annotations

import re

MULTIVARIANT = "main.m3u8"
PLAYLIST = "playlist.m3u8"
MANIFEST = "manifest.json"
SPRITE_MAP = "sprites/map.vtt"
IFRAMES = "iframes"

PUBLIC_ID_LENGTH = 12
# Without what people confuse when they read it out, and without vowels, which make words.
ALPHABET = "23456789bcdfghjkmnpqrstvwxyz"
PUBLIC_ID = re.compile(f"[{ALPHABET}]{{{PUBLIC_ID_LENGTH}}}")
TOKEN_LENGTH = 24
TOKEN = re.compile(f"[{ALPHABET}]{{{TOKEN_LENGTH}}}")


def edition_folder(public_id: str, token: str) -> str:
    """The folder of one edition, without a slash at its end."""
    return f"{public_id}/{token}"


def key_path(public_id: str) -> str:
    """The address of a key on this site, as playlists name it."""
    return f"/keys/{public_id}"

"""Random names that nobody can guess."""

from __future__ import annotations

import secrets

from mutoscope.platform.videos.domain.places import ALPHABET, PUBLIC_ID_LENGTH, TOKEN_LENGTH


def letters(length: int) -> str:
    """Random letters and digits; each carries 4.8 bits."""
    return "".join(secrets.choice(ALPHABET) for _ in range(length))


def new_public_id() -> str:
    """57 bits: enough that two never meet, short enough for an address."""
    return letters(PUBLIC_ID_LENGTH)


def new_token() -> str:
    """115 bits: whoever knows it was told."""
    return letters(TOKEN_LENGTH)

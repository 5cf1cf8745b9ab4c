"""The keys that films are encrypted under: 16 random bytes for each period of time, sealed in the database.

Sealed by AES-256-GCM under the key-encryption key, which lies outside the database (MUTOSCOPE_VIDEO_KEY), and bound to
the edition and the period: a sealed key moved to another row does not open. A dump of the database alone opens nothing.

    version 1 byte | nonce 12 | ciphertext 16 | tag 16
"""

from __future__ import annotations

import base64
import binascii
import secrets

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from django.conf import settings

from mutoscope.platform.videos.models import KeyPeriod

KEY_BYTES = 16
VERSION = b"\x01"
NONCE_BYTES = 12


class KeyDoesNotOpen(Exception):
    """A sealed key does not open: the key-encryption key is another one now. Add the earlier one to MUTOSCOPE_VIDEO_KEY_FALLBACKS."""


def new_key() -> bytes:
    """16 random bytes."""
    return secrets.token_bytes(KEY_BYTES)


def seal(key: bytes, edition_token: str, number: int) -> bytes:
    """A key as the database may hold it."""
    nonce = secrets.token_bytes(NONCE_BYTES)
    ciphertext = AESGCM(_key_encryption_keys()[0]).encrypt(nonce, key, _bound_to(edition_token, number))
    return VERSION + nonce + ciphertext


def open_key(period: KeyPeriod) -> bytes:
    """The 16 bytes of a period's key. Costs a query unless `edition` was loaded. Raises KeyDoesNotOpen."""
    return unseal(bytes(period.sealed_key), period.edition.token, period.number)


def unseal(sealed: bytes, edition_token: str, number: int) -> bytes:
    """The key in a sealed one. Raises KeyDoesNotOpen."""
    nonce, ciphertext = sealed[1 : 1 + NONCE_BYTES], sealed[1 + NONCE_BYTES :]
    if sealed[:1] == VERSION:
        for candidate in _key_encryption_keys():
            try:
                return AESGCM(candidate).decrypt(nonce, ciphertext, _bound_to(edition_token, number))
            except InvalidTag:
                continue
    raise KeyDoesNotOpen(f"key {number} of edition {edition_token[:4]}... does not open")


def parse_key(text: str) -> bytes:
    """A key-encryption key as people write it: 32 bytes in base64. Raises ValueError."""
    try:
        key = base64.b64decode(text, validate=True)
    except binascii.Error:
        raise ValueError("is not base64") from None
    if len(key) != 32:
        raise ValueError(f"holds {len(key)} bytes, not 32")
    return key


def _key_encryption_keys() -> list[bytes]:
    """The one that seals first, then those that still open."""
    return [parse_key(text) for text in settings.VIDEO_KEYS]


def _bound_to(edition_token: str, number: int) -> bytes:
    return f"mutoscope.videos.key:{edition_token}:{number}".encode()

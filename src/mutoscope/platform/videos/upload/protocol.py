"""The headers of tus 1.0, read strictly. https://tus.io/protocols/resumable-upload"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

VERSION = "1.0.0"
EXTENSIONS = ("creation", "termination", "checksum", "expiration")
# sha1 is the one that every client has to know. It finds damage here, not malice.
CHECKSUMS = ("sha1", "sha256", "md5")
CHUNK_TYPE = "application/offset+octet-stream"
METADATA_BYTES_MAX = 4096
# 9.2 exabytes; what the site takes is far less.
SIZE_MAX = 2**63 - 1


class Unreadable(Exception):
    """A header cannot be read. The message is for whoever writes the client."""


@dataclass(frozen=True)
class Checksum:
    """What the bytes of one request should hash to."""

    algorithm: str
    digest: bytes

    def new(self) -> Any:
        return hashlib.new(self.algorithm, usedforsecurity=False)


def parse_size(headers: Mapping[str, str], name: str) -> int:
    """A number of bytes out of a header. Raises Unreadable."""
    text = headers.get(name, "")
    if not (text.isascii() and text.isdecimal()) or len(text) > 19 or int(text) > SIZE_MAX:
        raise Unreadable(f"{name} has to be a number of bytes.")
    return int(text)


def parse_metadata(text: str) -> dict[str, str]:
    """`key base64,key base64,...` as texts; what is not UTF-8 loses the bytes that are not. Raises Unreadable."""
    if len(text) > METADATA_BYTES_MAX:
        raise Unreadable("Upload-Metadata is too long.")
    found: dict[str, str] = {}
    for pair in filter(None, (part.strip() for part in text.split(","))):
        key, _, value = pair.partition(" ")
        if key in found:
            raise Unreadable(f"Upload-Metadata has {key} twice.")
        try:
            found[key] = base64.b64decode(value, validate=True).decode(errors="ignore")
        except ValueError:
            raise Unreadable(f"Upload-Metadata: {key} is not base64.") from None
        if "\0" in found[key]:
            # PostgreSQL takes it in no text.
            raise Unreadable(f"Upload-Metadata: {key} holds a NUL character.")
    return found


def parse_checksum(text: str | None) -> Checksum | None:
    """`sha1 base64`; None without one. Raises Unreadable."""
    if text is None:
        return None
    algorithm, _, value = text.partition(" ")
    if algorithm not in CHECKSUMS:
        raise Unreadable(f"Upload-Checksum: only {', '.join(CHECKSUMS)} are known here.")
    try:
        return Checksum(algorithm, base64.b64decode(value, validate=True))
    except ValueError:
        raise Unreadable("Upload-Checksum is not base64.") from None

"""The bytes of uploads on the local disk. A file is named by its upload's token and nothing that anybody sent."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from django.conf import settings

from mutoscope.platform.videos.domain.places import TOKEN
from mutoscope.platform.videos.sharing import make_file, make_folder

# Always left for the database and the system.
RESERVE_BYTES = 512 * 1024 * 1024


def path_of(token: str) -> Path:
    """Where the bytes of an upload lie. Raises ValueError for what is no token."""
    if not TOKEN.fullmatch(token):
        raise ValueError(f"{token!r} is no token")
    return Path(settings.UPLOADS_FOLDER) / token[:2] / token


def begin(token: str) -> None:
    """An empty file, there for certain when this returns."""
    path = path_of(token)
    make_folder(path.parent)
    make_file(path)
    sync_folder(path.parent)


def write(token: str, offset: int, block: bytes) -> None:
    """Bytes at an offset, on the disk for certain when this returns. Raises OSError, ENOSPC among others."""
    handle = os.open(path_of(token), os.O_WRONLY)
    try:
        view = memoryview(block)
        while view:
            written = os.pwrite(handle, view, offset)
            offset += written
            view = view[written:]
        os.fdatasync(handle)
    finally:
        os.close(handle)


def remove(token: str) -> None:
    """Delete an upload's bytes; no file, no effect."""
    path_of(token).unlink(missing_ok=True)


def tokens() -> Iterator[tuple[str, float]]:
    """Every file that lies there, with the time of its last change in seconds since 1970."""
    for path in Path(settings.UPLOADS_FOLDER).glob("*/*"):
        if TOKEN.fullmatch(path.name):
            yield path.name, path.stat().st_mtime


def room_bytes() -> int:
    """Bytes that may still be promised on the disk of uploads."""
    folder = Path(settings.UPLOADS_FOLDER)
    make_folder(folder)
    return shutil.disk_usage(folder).free - RESERVE_BYTES


def sync_folder(folder: Path) -> None:
    """Make sure that the names in a folder outlive a power cut."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)

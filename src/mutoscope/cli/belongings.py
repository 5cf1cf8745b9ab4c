"""The files that belong to the site's data: in which folders they lie, how large they are, and what room there is for copies."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from mutoscope.cli.complaint import Complaint

# Folders below MUTOSCOPE_HOME. Keys are not among them, on purpose: a backup that can be stolen must not open what it
# holds. docs/operations.md says how keys are kept.
SMALL = ("media",)
FILMS = ("films", "originals")
FOLDERS = SMALL + FILMS
# What a restore has unpacked and not yet moved into place, and what a film's storage is still writing.
RESTORING = ".restoring-"
UNFINISHED = (RESTORING, ".aside-")
# What a file takes in an archive beside its bytes: its name, its checksum in the list of contents, the rest of a block.
ENTRY_BYTES = 2048
# Left free for everybody else who writes on the same disk.
SPARE_BYTES = 64 * 1024**2


@dataclass(frozen=True)
class Size:
    """How many files there are, and their bytes together."""

    files: int = 0
    content: int = 0

    def __add__(self, other: Size) -> Size:
        return Size(self.files + other.files, self.content + other.content)

    def __str__(self) -> str:
        return f"{self.files:,} {'file' if self.files == 1 else 'files'}, {readable(self.content)}"

    def archived(self) -> int:
        """Bytes that they take in a backup, at most."""
        return self.content + self.files * ENTRY_BYTES


def files_below(folder: Path) -> Iterator[Path]:
    """Every whole file below a folder, one after the other: there may be millions. None where there is no folder.

    Raises PermissionError for a folder that may not be read: its files must not be left out unsaid.
    """

    def refused(error: OSError) -> None:
        if not isinstance(error, FileNotFoundError):
            raise error

    for where, folders, names in os.walk(folder, onerror=refused):
        folders[:] = sorted(name for name in folders if not name.startswith(UNFINISHED))
        for name in sorted(names):
            path = Path(where, name)
            if not name.startswith(UNFINISHED) and path.is_file():
                yield path


def size_of(folder: Path) -> Size:
    """The size of all that is below a folder now."""
    files = content = 0
    for path in files_below(folder):
        try:
            content += path.stat().st_size
        except FileNotFoundError:
            continue
        files += 1
    return Size(files, content)


def not_kept_here() -> dict[str, str]:
    """Folders whose files lie elsewhere, each with where that is."""
    from django.conf import settings

    bucket = settings.ENVIRONMENT.s3_bucket
    return dict.fromkeys(FILMS, f"in the bucket {bucket}") if bucket else {}


def ask_for_room(folder: Path, needed: int, what: str, cure: str) -> None:
    """Raise Complaint where the disk of a folder has less room than `needed` bytes."""
    free = shutil.disk_usage(folder).free
    if free < needed + SPARE_BYTES:
        raise Complaint(
            f"{what} needs {readable(needed)} at {folder}, where {readable(free)} are free. Nothing was changed. {cure}"
        )


def readable(count: int) -> str:
    """Bytes as people read them."""
    amount = float(count)
    for unit in ("bytes", "KiB", "MiB"):
        if amount < 1024:
            return f"{amount:.0f} {unit}" if unit == "bytes" else f"{amount:.1f} {unit}"
        amount /= 1024
    return f"{amount:,.1f} GiB"


def is_there(path: Path) -> bool:
    """Whether a file is there; true as well where its folder is closed to this user."""
    try:
        path.stat()
    except PermissionError:
        return True
    except OSError:
        return False
    return True

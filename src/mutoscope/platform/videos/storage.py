"""Files on the local disk through Django's storage API, such that a file is there whole or not at all."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterable
from pathlib import Path
from typing import IO, Any

from django.core.files.storage import FileSystemStorage
from django.utils.deconstruct import deconstructible

from mutoscope.platform.videos.sharing import file_mode, make_folder


@deconstructible(path="mutoscope.platform.videos.storage.LocalStorage")
class LocalStorage(FileSystemStorage):
    """Django's, but a file is written aside, flushed to the disk, and renamed into place.

    For the service's own users alone (sharing.py). A name that is taken is overwritten: names carry random letters, so what is
    overwritten is an earlier attempt at the same thing.
    """

    ASIDE = ".aside-"

    def __init__(self, **options: Any) -> None:
        options.setdefault("file_permissions_mode", 0o640)
        options.setdefault("directory_permissions_mode", 0o750)
        super().__init__(**options)

    def get_available_name(self, name: str, max_length: int | None = None) -> str:
        return name

    def _save(self, name: str, content: Any) -> str:
        path = Path(self.path(name))
        make_folder(path.parent, self.directory_permissions_mode or 0o750)
        aside = path.with_name(f"{self.ASIDE}{secrets.token_hex(8)}")
        try:
            with aside.open("xb") as file:
                _write(file, content.chunks())
            aside.chmod(file_mode(path.parent, self.file_permissions_mode or 0o640))
            aside.replace(path)
        except BaseException:
            aside.unlink(missing_ok=True)
            raise
        return name.replace("\\", "/")


def _write(file: IO[bytes], chunks: Iterable[bytes]) -> None:
    for chunk in chunks:
        file.write(chunk)
    file.flush()
    os.fsync(file.fileno())

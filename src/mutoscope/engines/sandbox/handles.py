"""Open files that a started program is handed, closed again when the run is over."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path


def opened(stack: contextlib.ExitStack, path: Path) -> int:
    """A file, open for reading."""
    return closed_with(stack, os.open(path, os.O_RDONLY | os.O_CLOEXEC))


def in_memory(stack: contextlib.ExitStack, content: bytes) -> int:
    """A file without a name that holds `content`, open at its beginning."""
    handle = closed_with(stack, os.memfd_create("sandbox", os.MFD_CLOEXEC))
    os.write(handle, content)
    os.lseek(handle, 0, os.SEEK_SET)
    return handle


def closed_with(stack: contextlib.ExitStack, handle: int) -> int:
    """The handle, which closes with the stack."""
    stack.callback(os.close, handle)
    return handle

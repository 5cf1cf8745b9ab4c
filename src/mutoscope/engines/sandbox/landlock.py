"""Landlock from pure Python: a process gives up every file and port but those named, and cannot take them back.

Source: landlock(7) and linux/landlock.h.
"""

from __future__ import annotations

import ctypes
import os
from collections.abc import Iterable
from pathlib import Path

CREATE_RULESET, ADD_RULE, RESTRICT_SELF = 444, 445, 446
CREATE_RULESET_VERSION = 1
RULE_PATH_BENEATH = 1

EXECUTE = 1 << 0
WRITE_FILE = 1 << 1
READ_FILE = 1 << 2
READ_DIR = 1 << 3
TRUNCATE = 1 << 14
READ = EXECUTE | READ_FILE | READ_DIR
# All there is for files and folders in each version of the interface; a later one adds to the earlier.
ALL_FILES = {1: (1 << 13) - 1, 2: (1 << 14) - 1, 3: (1 << 15) - 1, 4: (1 << 15) - 1, 5: (1 << 16) - 1}
# What applies to a file rather than to a folder.
FILE_RIGHTS = EXECUTE | WRITE_FILE | READ_FILE | TRUNCATE | 1 << 15
ALL_TCP = 0b11
# Abstract Unix sockets and signals of processes outside.
ALL_SCOPES = 0b11


class RulesetAttributes(ctypes.Structure):
    _fields_ = (("files", ctypes.c_uint64), ("tcp", ctypes.c_uint64), ("scopes", ctypes.c_uint64))


class PathBeneath(ctypes.Structure):
    _pack_ = 1
    _fields_ = (("rights", ctypes.c_uint64), ("parent", ctypes.c_int32))


def version() -> int:
    """The kernel's version of the interface; 0 where it has none or has it switched off."""
    found: int = ctypes.CDLL(None, use_errno=True).syscall(CREATE_RULESET, None, 0, CREATE_RULESET_VERSION)
    return max(found, 0)


def ruleset(readable: Iterable[str], writable: Iterable[str]) -> int:
    """Rules under which only files below `readable` can be read and run, only those below `writable` written, no port used.

    A handle, to be closed by the caller. The rules hold for a process and its descendants, for good, once it has made the
    call RESTRICT_SELF with this handle. Raises OSError where the kernel cannot.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    have = version()
    if have < 1:
        raise OSError("Landlock is not available")
    files = ALL_FILES[min(have, max(ALL_FILES))]
    # The kernel takes a shorter structure from programs that know less than it does.
    size = 8 if have < 4 else 16 if have < 6 else 24
    attributes = RulesetAttributes(files, ALL_TCP if have >= 4 else 0, ALL_SCOPES if have >= 6 else 0)
    handle = _checked(libc.syscall(CREATE_RULESET, ctypes.byref(attributes), ctypes.c_size_t(size), 0))
    try:
        for paths, rights in ((readable, READ), (writable, files)):
            for path in paths:
                _allow(libc, handle, path, rights & files)
    except BaseException:
        os.close(handle)
        raise
    return handle


def _allow(libc: ctypes.CDLL, rules: int, path: str, rights: int) -> None:
    handle = os.open(path, os.O_PATH | os.O_CLOEXEC)
    try:
        if not Path(path).is_dir():
            rights &= FILE_RIGHTS
        rule = PathBeneath(rights, handle)
        _checked(libc.syscall(ADD_RULE, rules, RULE_PATH_BENEATH, ctypes.byref(rule), 0))
    finally:
        os.close(handle)


def _checked(result: int) -> int:
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    return result

"""Files and folders of the site: of one user alone, or of a group whose users each run a part of it.

Which of the two it is, the folder around says: one that the group may write and that hands its group on (setgid, mode 2770,
as docs/deploying.md has it made) is shared, and so is everything below it. Everywhere else only this user gets in.
"""

from __future__ import annotations

import os
import stat
from pathlib import Path

GROUP_WRITES = stat.S_IRWXG
PRIVATE_FOLDER, SHARED_FOLDER = 0o700, 0o770
PRIVATE_FILE, SHARED_FILE = 0o600, 0o660


def is_shared(folder: Path) -> bool:
    """Whether what is made in this folder is the whole group's."""
    mode = folder.stat().st_mode
    return bool(mode & stat.S_ISGID) and mode & GROUP_WRITES == GROUP_WRITES


def make_folder(folder: Path, private: int = PRIVATE_FOLDER) -> None:
    """Make a folder, and those around it that are missing. There already, it stays as it is."""
    try:
        if folder.is_dir():
            return
        make_folder(folder.parent, private)
        wanted = SHARED_FOLDER if is_shared(folder.parent) else private
        # The kernel hands the group and its bit on; a unit that may not set that bit itself needs not to.
        folder.mkdir(mode=wanted)
    except FileExistsError:
        # Another process was quicker.
        return
    mode = stat.S_IMODE(folder.stat().st_mode)
    if wanted == SHARED_FOLDER and mode & wanted != wanted:
        # The umask of whoever made it was a stricter one.
        folder.chmod(mode | wanted)


def file_mode(folder: Path, private: int = PRIVATE_FILE) -> int:
    """The mode of a file that is made in this folder."""
    return SHARED_FILE if is_shared(folder) else private


def make_file(path: Path) -> None:
    """An empty file that was not there. Raises FileExistsError."""
    mode = file_mode(path.parent)
    handle = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC, mode)
    try:
        if mode == SHARED_FILE:
            os.fchmod(handle, mode)
    finally:
        os.close(handle)

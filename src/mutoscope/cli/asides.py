"""Where a restore lays out what it is about to move into place: held while it runs, and cleared away by the next when it was killed."""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from mutoscope.cli.belongings import FOLDERS, RESTORING

REPLACED = "replaced"


@contextlib.contextmanager
def aside_in(folder: Path) -> Iterator[Path]:
    """A folder in this one, gone afterwards. The kernel holds it for this process, however that one ends."""
    with tempfile.TemporaryDirectory(dir=folder, prefix=RESTORING) as made:
        handle = os.open(made, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX)
            yield Path(made)
        finally:
            os.close(handle)


def clear_asides(home: Path, *, with_replaced: bool = False) -> int:
    """Delete what restores that were killed have left; how many folders.

    One that was killed while it moved files has what it replaced among them: that goes only `with_replaced`, which is when
    another restore has brought everything.
    """
    cleared = 0
    for place in (home, *(home / name for name in FOLDERS)):
        for aside in place.glob(f"{RESTORING}*"):
            if (aside / REPLACED).exists() and not with_replaced:
                continue
            with contextlib.suppress(OSError):
                cleared += _clear(aside)
    return cleared


def _clear(aside: Path) -> bool:
    handle = os.open(aside, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        shutil.rmtree(aside, ignore_errors=True)
    except BlockingIOError:
        return False
    finally:
        os.close(handle)
    return True


class Owner:
    """Whom a home belongs to. What root makes there is given to them, with the rights that the home's other files have."""

    def __init__(self, home: Path) -> None:
        from mutoscope.platform.videos.sharing import is_shared

        about = home.stat()
        self.user, self.group = about.st_uid, about.st_gid
        self.shares = is_shared(home)

    def gets(self, path: Path) -> None:
        """Give them this one file or folder. Does nothing unless run by root."""
        if os.geteuid() == 0:
            os.chown(path, self.user, self.group, follow_symlinks=False)

    def gets_folder(self, folder: Path) -> None:
        """Make a folder for them, and those around it that are missing."""
        if folder.is_dir():
            return
        self.gets_folder(folder.parent)
        folder.mkdir(mode=0o750)
        self.gets(folder)
        if self.shares:
            folder.chmod(0o2770)

    def gets_file(self, path: Path, mode: int) -> None:
        """Give them a file, which had this mode where it came from."""
        self.gets(path)
        path.chmod(0o660 if self.shares else mode & 0o755)

"""Whose rights the server runs with, and how that user gets at the server's folders.

PostgreSQL refuses to run as root. Started by root it runs as another user, which may not be able to enter the folders
that it needs; then they are mounted where it can, for its eyes only (launch.py).
"""

from __future__ import annotations

import contextlib
import getpass
import hashlib
import json
import os
import pwd
import sys
from dataclasses import dataclass
from pathlib import Path

from mutoscope.engines.postgres import binaries, launch
from mutoscope.engines.postgres.errors import EmbeddedServerError


@dataclass(frozen=True)
class Account:
    """The operating system's user that the server runs as. `uid` is None when that is whoever runs this process."""

    name: str
    uid: int | None
    gid: int | None

    @classmethod
    def for_this_process(cls) -> Account:
        if os.geteuid() != 0:
            return cls(getpass.getuser(), None, None)
        for name in (os.environ.get("MUTOSCOPE_POSTGRES_OS_USER"), "postgres", "nobody"):
            if name:
                with contextlib.suppress(KeyError):
                    entry = pwd.getpwnam(name)
                    return cls(entry.pw_name, entry.pw_uid, entry.pw_gid)
        raise EmbeddedServerError(
            "PostgreSQL refuses to run as root, and there is neither a user 'postgres' nor 'nobody' to run it as. "
            "Create one (useradd --system mutoscope) and set MUTOSCOPE_POSTGRES_OS_USER=mutoscope."
        )

    def own(self, path: Path) -> None:
        """Make a folder of ours, and what is in it, the server's. Only ever called on folders below `home`."""
        if self.uid is None or self.gid is None or path.stat().st_uid == self.uid:
            return
        for directory, _, files in os.walk(path):
            for name in (".", *files):
                os.chown(Path(directory, name), self.uid, self.gid, follow_symlinks=False)

    def reach(self, home: Path) -> Reach:
        folders = (home, *binaries.directories())
        if self.uid is None or all(self._may_enter(path) for path in folders):
            return Reach(self, {})
        meeting_point = short_directory(home)
        # The programs find their libraries by a path relative to their own, so the folders keep their places.
        root = binaries.directories()[0].parents[1]
        mounts = {home: meeting_point / "home"}
        mounts |= {path: meeting_point / "programs" / path.relative_to(root) for path in binaries.directories()}
        for target in mounts.values():
            target.mkdir(parents=True, exist_ok=True, mode=0o755)
        return Reach(self, mounts)

    def _may_enter(self, path: Path) -> bool:
        """Whether this user may pass through every folder above `path`, and look into `path` itself."""
        for folder in (path, *path.parents):
            state = folder.stat()
            if state.st_uid == self.uid:
                needed = 0o100
            elif state.st_gid == self.gid:
                needed = 0o010
            else:
                needed = 0o001
            if not state.st_mode & needed:
                return False
        return True


@dataclass(frozen=True)
class Reach:
    """How the server's user gets at the server's folders: as they are, or through private mounts."""

    account: Account
    mounts: dict[Path, Path]

    def path(self, path: Path) -> str:
        for source, target in self.mounts.items():
            if path.is_relative_to(source):
                return str(target / path.relative_to(source))
        return str(path)

    def program(self, name: str) -> str:
        return self.path(binaries.program(name))

    def command(self, argv: list[str], *, stop_with_parent: bool = False) -> list[str]:
        request = {
            "argv": argv,
            "mounts": [[str(source), str(target)] for source, target in self.mounts.items()],
            "uid": self.account.uid,
            "gid": self.account.gid,
            "stop_with_parent": stop_with_parent,
            "parent": os.getpid(),
        }
        return [sys.executable, "-I", str(launch.__file__), json.dumps(request)]


def short_directory(home: Path) -> Path:
    """A private folder with a short path, the same one for the same `home`."""
    name = "mutoscope-" + hashlib.sha256(os.fsencode(home)).hexdigest()[:12]
    if os.geteuid() == 0:
        root = Path("/run")
        mode = 0o755
    else:
        root = Path(os.environ.get("XDG_RUNTIME_DIR") or "/tmp")  # noqa: S108 - owner and mode are checked below
        name = f"{name}-{os.geteuid()}"
        mode = 0o700
    directory = root / name
    directory.mkdir(mode=mode, exist_ok=True)
    state = directory.lstat()
    if state.st_uid != os.geteuid() or state.st_mode & 0o022:
        raise EmbeddedServerError(
            f"{directory} belongs to someone else. Remove it, or set MUTOSCOPE_HOME to a shorter path."
        )
    return directory

"""A backup's file: its list of contents, and the way from it back to where things belong."""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
import shutil
import tarfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from rich.progress import Progress

from mutoscope import __version__
from mutoscope.cli import state
from mutoscope.cli.asides import REPLACED, Owner, aside_in
from mutoscope.cli.belongings import ENTRY_BYTES, FILMS, FOLDERS, RESTORING, ask_for_room
from mutoscope.cli.complaint import Complaint

# 1 had neither films nor originals.
FORMAT = 2
MANIFEST = "manifest.json"
DATABASE = "database.dump"
CHUNK_BYTES = 1024 * 1024


@dataclass(frozen=True)
class Manifest:
    """What a backup says of itself. `files` maps each member to its SHA-256, `left_out` each folder that is not in it to why."""

    format: int
    mutoscope: str
    created: str
    files: dict[str, str]
    database_bytes: int = 0
    left_out: dict[str, str] = field(default_factory=lambda: dict.fromkeys(FILMS, "an earlier release left them out"))

    def folders(self) -> list[str]:
        """The folders whose files are in it, perhaps none of them."""
        return [name for name in FOLDERS if name not in self.left_out]


class BackupDamaged(Complaint):
    """The file is not a whole backup of ours."""

    def __init__(self, file: Path, why: str) -> None:
        super().__init__(f"{file} cannot be restored: {why}. Nothing was changed.")


class Unpacked:
    """What a backup holds, laid out beside where it belongs: on the same disk, so that moving it into place is quick.

    A folder may be a disk of its own. Use it as a context, which clears away what was not moved.
    """

    def __init__(self, file: Path, home: Path) -> None:
        self.file = file
        self.home = home
        self.owner = Owner(home)
        self._asides: dict[str, Path] = {}
        self._clearing = contextlib.ExitStack()

    def __enter__(self) -> Unpacked:
        self.aside = self._new_aside(self.home)
        return self

    def __exit__(self, *_: Any) -> None:
        self._clearing.close()

    def unpack(self, bar: Progress) -> Manifest:
        """Unpack all of it and check every byte, before anything is changed. Raises Complaint."""
        self._ask_for_room()
        digests: dict[str, str] = {}
        manifest: Manifest | None = None
        task = bar.add_task("Checking the backup", total=self.file.stat().st_size)
        with self._opened() as archive:
            for member in self._members(archive):
                content = archive.extractfile(member)
                assert content is not None
                if member.name == MANIFEST:
                    manifest = Manifest(**json.loads(content.read()))
                    continue
                target = self._target(member.name)
                self.owner.gets_folder(target.parent)
                counted = Counted(content, lambda count: bar.advance(task, count))
                with target.open("wb") as out:
                    shutil.copyfileobj(counted, out, CHUNK_BYTES)
                self.owner.gets_file(target, member.mode)
                digests[member.name] = counted.digest.hexdigest()
        if manifest is None:
            raise BackupDamaged(self.file, "it is cut short: its list of contents is missing")
        if manifest.format > FORMAT or state.is_newer(manifest.mutoscope):
            raise BackupDamaged(
                self.file, f"it was written by Mutoscope {manifest.mutoscope}, which is newer than {__version__}"
            )
        if digests != manifest.files:
            wrong = sorted({name for name, _ in digests.items() ^ manifest.files.items()})
            raise BackupDamaged(self.file, f"{', '.join(wrong[:3])} is not what was written")
        return manifest

    def move_into_place(self, folders: list[str]) -> None:
        """Let the backup's files take the place of what is in these folders now."""
        for name in folders:
            here = self.home / name
            if not here.is_dir():
                continue
            aside = self._aside_of(name)
            replaced, restored = aside / REPLACED, aside / name
            replaced.mkdir()
            for entry in list(here.iterdir()):
                if not entry.name.startswith(RESTORING):
                    entry.rename(replaced / entry.name)
            if restored.is_dir():
                for entry in list(restored.iterdir()):
                    entry.rename(here / entry.name)

    def _ask_for_room(self) -> None:
        """Each disk has to hold what comes to it beside what it holds already."""
        needed: dict[int, int] = {}
        places: dict[int, Path] = {}
        with self._opened() as archive:
            for member in self._members(archive):
                place = self.home / Path(member.name).parts[0]
                place = place if place.is_dir() else self.home
                disk = place.stat().st_dev
                places.setdefault(disk, place)
                needed[disk] = needed.get(disk, 0) + member.size + ENTRY_BYTES
        for disk, count in needed.items():
            ask_for_room(places[disk], count, "unpacking the backup", "Free some space, or set MUTOSCOPE_HOME.")

    @contextlib.contextmanager
    def _opened(self) -> Iterator[tarfile.TarFile]:
        try:
            with tarfile.open(self.file) as archive:
                yield archive
        except tarfile.TarError as error:
            raise BackupDamaged(
                self.file, f"it is no whole backup of Mutoscope ({str(error).splitlines()[0]})"
            ) from None
        except (EOFError, ValueError, TypeError) as error:
            raise BackupDamaged(self.file, f"it is cut short or damaged ({error})") from None

    def _members(self, archive: tarfile.TarFile) -> Iterator[tarfile.TarInfo]:
        while (member := archive.next()) is not None:
            if not member.isreg() or not _is_ours(member.name):
                raise BackupDamaged(self.file, f"it holds {member.name!r}, which does not belong there")
            yield member
            # tarfile remembers every member it read, and there may be millions.
            archive.members.clear()  # type: ignore[attr-defined]

    def _target(self, name: str) -> Path:
        return (self.aside if name == DATABASE else self._aside_of(Path(name).parts[0])) / name

    def _aside_of(self, name: str) -> Path:
        if name not in self._asides:
            here = self.home / name
            if not here.is_dir():
                self.owner.gets_folder(here)
                self._clearing.callback(_remove_if_empty, here)
            self._asides[name] = self._new_aside(here)
        return self._asides[name]

    def _new_aside(self, folder: Path) -> Path:
        return self._clearing.enter_context(aside_in(folder))


def _is_ours(name: str) -> bool:
    parts = Path(name).parts
    known = name in (MANIFEST, DATABASE) or (len(parts) > 1 and parts[0] in FOLDERS)
    return known and ".." not in parts and not Path(name).is_absolute()


def _remove_if_empty(folder: Path) -> None:
    with contextlib.suppress(OSError):
        folder.rmdir()


class Counted(io.RawIOBase):
    """A readable file that counts and digests what is read from it."""

    def __init__(self, content: IO[bytes], count: Callable[[int], None]) -> None:
        self.content = content
        self.count = count
        self.digest = hashlib.sha256()

    def read(self, size: int = -1, /) -> bytes:
        data = self.content.read(size)
        self.digest.update(data)
        self.count(len(data))
        return data

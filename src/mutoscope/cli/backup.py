"""`mutoscope backup` and `restore`: the database and the uploaded files in one checked file."""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
import shutil
import sys
import tarfile
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import IO

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

from mutoscope import __version__
from mutoscope.cli import state
from mutoscope.cli.complaint import Complaint
from mutoscope.cli.database import database_running
from mutoscope.engines.postgres import dump

FORMAT = 1
MANIFEST = "manifest.json"
DATABASE = "database.dump"
# Folders below MUTOSCOPE_HOME whose files belong to the site's data. Keys are not among them, on purpose: a backup
# that can be stolen must not open what it holds. docs/operations.md says how keys are kept.
FOLDERS = ("media",)
CHUNK_BYTES = 1024 * 1024


@dataclass(frozen=True)
class Manifest:
    """What a backup says of itself. `files` maps each member to its SHA-256."""

    format: int
    mutoscope: str
    created: str
    files: dict[str, str]


class BackupDamaged(Complaint):
    """The file is not a whole backup of ours."""

    def __init__(self, file: Path, why: str) -> None:
        super().__init__(f"{file} cannot be restored: {why}. Nothing was changed.")


def write_backup(file: Path) -> None:
    """Write FILE. It appears under its name only when it is whole. Raises Complaint."""
    file = file.absolute()
    if file.exists():
        raise Complaint(f"{file} exists already. Choose another name, or remove it first.")
    if not file.parent.is_dir():
        raise Complaint(f"the folder {file.parent} does not exist. Create it first: mkdir -p {file.parent}")
    partial = file.with_name(file.name + ".partial")
    with _database() as url, _bar() as bar:
        try:
            _write(partial, url, bar)
            partial.replace(file)
        except dump.DumpError as error:
            raise Complaint(f"the database could not be written out: {error}") from None
        finally:
            partial.unlink(missing_ok=True)
    sys.stdout.write(f"Wrote {file} ({file.stat().st_size / 1024**2:.1f} MiB).\n")


def restore_backup(file: Path, *, replace: bool) -> None:
    """Bring FILE back. The database changes in one transaction, the files by one move after it. Raises Complaint."""
    from django.conf import settings

    file = file.absolute()
    home: Path = settings.HOME
    if not file.is_file():
        raise Complaint(f"{file} does not exist.")
    home.mkdir(parents=True, exist_ok=True)
    running = state.is_held(home)
    if running is not None:
        raise Complaint(f"Mutoscope runs on {home} (process {running.pid}). Stop it first, then restore.")
    state.refuse_newer_release(home)
    with _bar() as bar, tempfile.TemporaryDirectory(dir=home, prefix="restoring-") as folder:
        aside = Path(folder)
        _unpack(file, aside, bar)
        with _database() as url:
            if dump.table_count(url):
                if not replace:
                    raise Complaint(
                        "the database is not empty. To replace what it holds: mutoscope restore --replace FILE. "
                        "A backup of what is there now is written first."
                    )
                _keep_what_is_there(home, url, bar)
            task = bar.add_task("Restoring the database", total=None)
            try:
                dump.restore(url, aside / DATABASE)
            except dump.DumpError as error:
                raise Complaint(f"the database refused the backup, and nothing was changed: {error}") from None
            bar.update(task, total=1, completed=1)
            _move_files(aside, home)
            _migrate()
            _skip_numbers_in_use()
    state.record_release(home)
    sys.stdout.write(f"Restored {file}.\n")


def _write(partial: Path, url: str, bar: Progress) -> None:
    digests: dict[str, str] = {}
    with tempfile.TemporaryDirectory(dir=partial.parent, prefix=".backup-") as folder:
        dumped = Path(folder) / DATABASE
        task = bar.add_task("Reading the database", total=dump.size_bytes(url))
        dump.dump(url, dumped, lambda done: bar.update(task, completed=done))
        bar.update(task, total=dumped.stat().st_size, completed=dumped.stat().st_size)
        members = [(DATABASE, dumped), *_files()]
        task = bar.add_task("Writing the backup", total=sum(path.stat().st_size for _, path in members))
        with tarfile.open(partial, "w", format=tarfile.PAX_FORMAT) as archive:
            for name, path in members:
                with contextlib.suppress(FileNotFoundError), path.open("rb") as content:  # deleted meanwhile
                    info = archive.gettarinfo(fileobj=content, arcname=name)
                    counted = _Counted(content, lambda count: bar.advance(task, count))
                    archive.addfile(info, counted)
                    digests[name] = counted.digest.hexdigest()
            manifest = Manifest(FORMAT, __version__, datetime.now(UTC).isoformat(timespec="seconds"), digests)
            text = json.dumps(asdict(manifest), indent=1).encode()
            info = tarfile.TarInfo(MANIFEST)
            info.size = len(text)
            archive.addfile(info, io.BytesIO(text))


def _unpack(file: Path, aside: Path, bar: Progress) -> None:
    """Unpack the whole backup aside and check every byte of it, before anything is changed."""
    try:
        archive = tarfile.open(file)  # noqa: SIM115 - closed by the block below
    except FileNotFoundError:
        raise Complaint(f"{file} does not exist.") from None
    except (tarfile.TarError, OSError) as error:
        raise BackupDamaged(file, f"it is no backup of Mutoscope ({str(error).splitlines()[0]})") from None
    digests: dict[str, str] = {}
    manifest: Manifest | None = None
    task = bar.add_task("Checking the backup", total=file.stat().st_size)
    with archive:
        try:
            for member in archive:
                content = archive.extractfile(member)
                if content is None or not _is_ours(member.name):
                    raise BackupDamaged(file, f"it holds {member.name!r}, which does not belong there")
                if member.name == MANIFEST:
                    manifest = Manifest(**json.loads(content.read()))
                    continue
                target = aside / member.name
                target.parent.mkdir(parents=True, exist_ok=True)
                counted = _Counted(content, lambda count: bar.advance(task, count))
                with target.open("wb") as out:
                    shutil.copyfileobj(counted, out, CHUNK_BYTES)
                digests[member.name] = counted.digest.hexdigest()
        except (tarfile.TarError, EOFError, ValueError, TypeError) as error:
            raise BackupDamaged(file, f"it is cut short or damaged ({error})") from None
    if manifest is None:
        raise BackupDamaged(file, "it is cut short: its list of contents is missing")
    if manifest.format > FORMAT or state.is_newer(manifest.mutoscope):
        raise BackupDamaged(
            file, f"it was written by Mutoscope {manifest.mutoscope}, which is newer than {__version__}"
        )
    if digests != manifest.files:
        wrong = sorted({name for name, _ in digests.items() ^ manifest.files.items()})
        raise BackupDamaged(file, f"{', '.join(wrong[:3])} is not what was written")


def _is_ours(name: str) -> bool:
    parts = Path(name).parts
    known = name in (MANIFEST, DATABASE) or (len(parts) > 1 and parts[0] in FOLDERS)
    return known and ".." not in parts and not Path(name).is_absolute()


def _keep_what_is_there(home: Path, url: str, bar: Progress) -> None:
    kept = home / "backups" / f"before-restore-{datetime.now(UTC):%Y%m%d-%H%M%S}.mutoscope"
    kept.parent.mkdir(exist_ok=True)
    partial = kept.with_name(kept.name + ".partial")
    try:
        _write(partial, url, bar)
        partial.replace(kept)
    finally:
        partial.unlink(missing_ok=True)
    bar.console.print(f"What was there is in {kept}", soft_wrap=True)


def _move_files(aside: Path, home: Path) -> None:
    for name in FOLDERS:
        here, restored = home / name, aside / name
        if here.exists():
            here.rename(aside / f"{name}.replaced")
        if restored.exists():
            restored.rename(here)


def _migrate() -> None:
    """A backup of an older release gets this release's tables."""
    from django.core.management import call_command

    call_command("migrate", interactive=False, verbosity=0)


def _skip_numbers_in_use() -> None:
    """Numbers that were handed out after the backup are in use somewhere, though this database knows nothing of them."""
    from django.core.management import call_command

    from mutoscope.engines.sequences.models import LeasedState

    names = list(LeasedState.objects.values_list("name", flat=True))
    if names:
        call_command("sequences", "skip-ahead", *names, stdout=sys.stdout)


def _files() -> list[tuple[str, Path]]:
    from django.conf import settings

    home: Path = settings.HOME
    found = []
    for folder in FOLDERS:
        found += [(str(path.relative_to(home)), path) for path in sorted((home / folder).rglob("*")) if path.is_file()]
    return found


@contextlib.contextmanager
def _database() -> Iterator[str]:
    """The direct connection's URL, with the embedded server started for the block where it is not running."""
    import django
    from django.conf import settings
    from django.db import connections

    django.setup()
    with database_running():
        try:
            yield settings.DATABASE_DIRECT_URL
        finally:
            connections.close_all()


def _bar() -> Progress:
    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TimeRemainingColumn())
    return Progress(*columns, console=console, disable=not console.is_terminal)


class _Counted(io.RawIOBase):
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

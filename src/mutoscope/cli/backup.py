"""`mutoscope backup` and `restore`: the database, the uploaded files and the films in one checked file."""

from __future__ import annotations

import contextlib
import io
import itertools
import json
import os
import sys
import tarfile
import tempfile
from collections.abc import Iterator
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

from mutoscope import __version__
from mutoscope.cli import state
from mutoscope.cli.archive import CHUNK_BYTES, DATABASE, FORMAT, MANIFEST, Counted, Manifest, Unpacked
from mutoscope.cli.asides import Owner, clear_asides
from mutoscope.cli.belongings import (
    FILMS,
    FOLDERS,
    Size,
    ask_for_room,
    files_below,
    not_kept_here,
    readable,
    size_of,
)
from mutoscope.cli.complaint import Complaint
from mutoscope.cli.database import database_running
from mutoscope.cli.still_needed import still_needed
from mutoscope.engines.postgres import dump


def write_backup(file: Path, *, with_films: bool = True) -> None:
    """Write FILE. It appears under its name only when it is whole. Raises Complaint."""
    file = file.absolute()
    if file.exists():
        raise Complaint(f"{file} exists already. Choose another name, or remove it first.")
    if not file.parent.is_dir():
        raise Complaint(f"the folder {file.parent} does not exist. Create it first: mkdir -p {file.parent}")
    partial = file.with_name(file.name + ".partial")
    with _database() as url, _bar() as bar:
        elsewhere = not_kept_here()
        left_out = elsewhere if with_films else dict.fromkeys(FILMS, "--without-films was asked for") | elsewhere
        try:
            said = _write(partial, url, bar, left_out)
            partial.replace(file)
        except dump.DumpError as error:
            raise Complaint(f"the database could not be written out: {error}") from None
        except PermissionError as error:
            raise Complaint(
                f"this user may not read or write {error.filename}. Run the backup as one who may read all of MUTOSCOPE_HOME."
            ) from None
        finally:
            partial.unlink(missing_ok=True)
    sys.stdout.write("\n".join([f"Wrote {file} ({readable(file.stat().st_size)}).", *said]) + "\n")


def restore_backup(file: Path, *, replace: bool) -> None:
    """Bring FILE back. The database changes in one transaction, the files by moves after it. Raises Complaint."""
    from django.conf import settings

    file = file.absolute()
    home: Path = settings.HOME
    if not file.is_file():
        raise Complaint(f"{file} does not exist.")
    home.mkdir(parents=True, exist_ok=True)
    owner = Owner(home)
    running = state.is_held(home)
    if running is not None:
        raise Complaint(f"Mutoscope runs on {home} (process {running.pid}). Stop it first, then restore.")
    state.refuse_newer_release(home)
    clear_asides(home)
    with _bar() as bar, Unpacked(file, home) as unpacked:
        manifest = unpacked.unpack(bar)
        with _database() as url:
            if dump.table_count(url):
                if not replace:
                    raise Complaint(
                        "the database is not empty. To replace what it holds: mutoscope restore --replace FILE. "
                        "A backup of what is there now is written first."
                    )
                _keep_what_is_there(home, owner, url, bar, manifest)
            if settings.EMBEDDED_SERVER is not None:
                ask_for_room(home, manifest.database_bytes, "the database", "Free some space.")
            task = bar.add_task("Restoring the database", total=None)
            try:
                dump.restore(url, unpacked.aside / DATABASE)
            except dump.DumpError as error:
                raise Complaint(f"the database refused the backup, and nothing was changed: {error}") from None
            bar.update(task, total=1, completed=1)
            unpacked.move_into_place(manifest.folders())
            _migrate()
            _skip_numbers_in_use()
            said = [*_left_out(manifest), *still_needed(home)]
    # Everything is where it belongs: nobody needs what a restore that was killed had replaced.
    clear_asides(home, with_replaced=True)
    state.record_release(home)
    owner.gets(home / "state.json")
    sys.stdout.write("\n".join([f"Restored {file}.", *said]) + "\n")


def _write(partial: Path, url: str, bar: Progress, left_out: dict[str, str]) -> list[str]:
    """Write the archive; returns what to say of its contents. Raises Complaint when the disk has no room for it."""
    from django.conf import settings

    home: Path = settings.HOME
    sizes = {name: size_of(home / name) for name in FOLDERS}
    inside = [name for name in FOLDERS if name not in left_out]
    size = sum((sizes[name] for name in inside), Size())
    database_bytes = dump.size_bytes(url)
    # A dump is compressed and has no indices: twice, aside and in the archive, it is smaller than the database is on disk.
    cure = "Choose another disk" + (", or leave the films out: --without-films." if "films" in inside else ".")
    ask_for_room(partial.parent, size.archived() + database_bytes, "the backup", cure)
    digests: dict[str, str] = {}
    gone = 0
    with tempfile.TemporaryDirectory(dir=partial.parent, prefix=".backup-") as folder:
        dumped = Path(folder) / DATABASE
        task = bar.add_task("Reading the database", total=database_bytes)
        dump.dump(url, dumped, lambda done: bar.update(task, completed=done))
        bar.update(task, total=dumped.stat().st_size, completed=dumped.stat().st_size)
        task = bar.add_task("Writing the backup", total=dumped.stat().st_size + size.content)
        # Everybody's addresses and password hashes are in it: whatever the umask, it is for this user alone.
        partial.unlink(missing_ok=True)
        os.close(os.open(partial, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC, 0o600))
        with tarfile.open(partial, "w", format=tarfile.PAX_FORMAT) as archive:
            archive.copybufsize = CHUNK_BYTES  # type: ignore[attr-defined]
            members = ((str(path.relative_to(home)), path) for name in inside for path in files_below(home / name))
            for name, path in itertools.chain([(DATABASE, dumped)], members):
                try:
                    with path.open("rb") as content:
                        info = archive.gettarinfo(fileobj=content, arcname=name)
                        counted = Counted(content, lambda count: bar.advance(task, count))
                        archive.addfile(info, counted)
                except FileNotFoundError:
                    gone += 1
                    continue
                digests[name] = counted.digest.hexdigest()
                # tarfile remembers every member it wrote, and there may be millions.
                archive.members.clear()  # type: ignore[attr-defined]
            created = datetime.now(UTC).isoformat(timespec="seconds")
            manifest = Manifest(FORMAT, __version__, created, digests, database_bytes, left_out)
            text = json.dumps(asdict(manifest), indent=1).encode()
            info = tarfile.TarInfo(MANIFEST)
            info.size = len(text)
            archive.addfile(info, io.BytesIO(text))
    said = [f"In it: the database, {', '.join(f'{name} ({sizes[name]})' for name in inside)}."]
    for name, why in left_out.items():
        here = f" ({sizes[name]})" if sizes[name].files else ""
        said.append(f"NOT in it: {name}{here}, {why}.")
    if gone:
        said.append(f"{gone:,} files were deleted while it was written, and are not in it.")
    return said


def _keep_what_is_there(home: Path, owner: Owner, url: str, bar: Progress, manifest: Manifest) -> None:
    """Write a backup of what will be replaced. A folder that the restored backup leaves out stays where it is."""
    kept = home / "backups" / f"before-restore-{datetime.now(UTC):%Y%m%d-%H%M%S}.mutoscope"
    if not kept.parent.is_dir():
        kept.parent.mkdir(mode=0o700)
        owner.gets(kept.parent)
    partial = kept.with_name(kept.name + ".partial")
    try:
        left_out = dict.fromkeys(manifest.left_out, "the restored backup has none, and they stayed")
        _write(partial, url, bar, left_out)
        owner.gets(partial)
        partial.replace(kept)
    finally:
        partial.unlink(missing_ok=True)
    bar.console.print(f"What was there is in {kept}", soft_wrap=True)


def _left_out(manifest: Manifest) -> Iterator[str]:
    """What whoever restores has to know about the folders of films."""
    for name, why in manifest.left_out.items():
        yield f"NOT in it: {name}, {why}."
    for name, where in not_kept_here().items():
        if any(file.startswith(f"{name}/") for file in manifest.files):
            yield f"This site's {name} lie {where}: copy there what is now in the folder {name} below MUTOSCOPE_HOME."


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

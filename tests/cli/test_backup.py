"""A backup is whole or not there; a restore is whole or changes nothing."""

from __future__ import annotations

import hashlib
import io
import json
import os
import tarfile
from pathlib import Path
from types import SimpleNamespace

import pytest

from mutoscope.cli import belongings
from mutoscope.cli.archive import Unpacked
from mutoscope.cli.asides import aside_in, clear_asides
from mutoscope.cli.backup import _bar
from mutoscope.cli.belongings import RESTORING
from mutoscope.cli.complaint import Complaint
from tests.cli.house import House


@pytest.fixture(scope="module")
def full_house(tmp_path_factory: pytest.TempPathFactory, settled: Path) -> House:
    """A migrated state directory with a person and an uploaded file in it, not running."""
    house = House(tmp_path_factory.mktemp("full") / "home")
    house.settle(settled)
    assert shell(house, f"{ADD.format('kept')}\n{NEXT_NUMBER}\n{BOOKS}") == "number 1"
    picture = house.home / "media" / "avatars" / "kept.webp"
    picture.parent.mkdir(parents=True)
    picture.write_bytes(b"a picture")
    for name, content in FILMS.items():
        file = house.home / name
        file.parent.mkdir(parents=True)
        file.write_bytes(content)
        file.chmod(0o640)
    (house.home / "originals" / "ab" / ".aside-4f").write_bytes(b"half an upload")
    return house


@pytest.fixture(scope="module")
def backup(full_house: House) -> Path:
    file = full_house.home.parent / "kept.mutoscope"
    done = full_house.run("backup", str(file))
    assert done.returncode == 0, done.stderr
    return file


@pytest.fixture
def empty_house(tmp_path: Path) -> House:
    return House(tmp_path / "home")


FILMS = {"films/ab/1.m4s": b"a sealed segment" * 1000, "originals/ab/film.mkv": b"an original" * 1000}


def films(house: House) -> dict[str, bytes]:
    """Every file among films and originals."""
    found = [path for name in ("films", "originals") for path in (house.home / name).rglob("*") if path.is_file()]
    return {str(path.relative_to(house.home)): path.read_bytes() for path in found}


def shell(house: House, script: str) -> str:
    """What a script prints that runs in the house's Django."""
    done = house.run("manage", "shell", "-v", "0", "-c", script)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


ADD = "from django.contrib.auth import get_user_model as g; g().objects.create(username='{0}', email='{0}@example.org')"
PEOPLE = "from django.contrib.auth import get_user_model as g; print(*g().objects.values_list('username', flat=True))"
NEXT_NUMBER = "from mutoscope.engines.sequences import LeasedSequence; print('number', LeasedSequence('orders').next())"
BOOKS = """
from mutoscope.engines.ledger import InsufficientFunds, Ledger, Transfer, credit, debit
ledger = Ledger()
source = ledger.open_account("bank", "source", "PTS", may_go_negative=True)
nora = ledger.open_account("nora", "points", "PTS")
funded = ledger.post(Transfer("fund", (debit(source, 100), credit(nora, 100))))
held = ledger.hold(Transfer("hold", (debit(nora, 30), credit(source, 30))))
"""
# A film with a sealed key, and what the signer makes for itself in the sandbox.
SEALED = """
from mutoscope.cli.signer import prepare_play
from mutoscope.platform.accounts.models import Channel, Person
from mutoscope.platform.videos.keys import new_key, seal
from mutoscope.platform.videos.models import Edition, KeyPeriod, Video
prepare_play()
owner = Person.objects.create(username="maker", email="maker@example.org")
channel = Channel.objects.create(owner=owner, handle="maker", title="Maker")
video = Video.objects.create(channel=channel, title="Film")
edition = Edition.objects.create(video=video, segment_ms=4000, key_period_ms=60000, duration_ms=60000)
KeyPeriod.objects.create(edition=edition, number=0, sealed_key=seal(new_key(), edition.token, 0))
"""
# After the restore the same requests are repeats, the hold can be posted, and guards and checks stand as before.
BOOKS_AGAIN = f"""
{BOOKS}
from django.db import DatabaseError, connection
from mutoscope.engines.ledger.sealing import seal
from mutoscope.engines.ledger.verification import verify
print(funded.repeated, held.repeated, end=" ")
ledger.post_hold(held.transfer_id, "spend")
ledger.post(Transfer("again", (debit(nora, 20), credit(source, 20))))
print(ledger.balance(nora).posted, ledger.balance(nora).available, end=" ")
try:
    ledger.post(Transfer("too much", (debit(nora, 51), credit(source, 51))))
except InsufficientFunds as refused:
    print("refused", end=" ")
try:
    connection.cursor().execute("DELETE FROM ledger_transfer")
except DatabaseError as error:
    print("kept", end=" ")
seal()
report = verify()
print("sound" if report.is_sound() else report.as_dict())
"""


def add_person(house: House, name: str) -> None:
    shell(house, ADD.format(name))


def people(house: House) -> str:
    return shell(house, PEOPLE)


def next_number(house: House) -> int:
    return int(shell(house, NEXT_NUMBER).split()[1])


def test_a_backup_brings_rows_books_and_files_back_on_another_machine(backup: Path, empty_house: House) -> None:
    done = empty_house.run("restore", str(backup))
    assert done.returncode == 0, done.stderr
    assert shell(empty_house, f"{PEOPLE}\n{BOOKS_AGAIN}").split("\n") == [
        "kept",
        "True True 50 50 refused kept sound",
    ]
    assert (empty_house.home / "media" / "avatars" / "kept.webp").read_bytes() == b"a picture"
    assert films(empty_house) == FILMS
    assert (empty_house.home / "originals/ab/film.mkv").stat().st_mode & 0o777 == 0o640
    assert not list(empty_house.home.rglob(".restoring-*"))


def test_after_a_restore_no_number_is_handed_out_again(full_house: House, backup: Path, empty_house: House) -> None:
    after_the_backup = next_number(full_house)
    assert empty_house.run("restore", str(backup)).returncode == 0
    assert next_number(empty_house) > after_the_backup


def test_a_backup_holds_no_key(backup: Path) -> None:
    with tarfile.open(backup) as archive:
        assert not [name for name in archive.getnames() if "secret" in name]


def test_a_database_in_use_is_replaced_only_when_asked_and_kept_aside(
    backup: Path, empty_house: House, settled: Path
) -> None:
    empty_house.settle(settled)
    add_person(empty_house, "newcomer")
    old = empty_house.home / "films" / "old.m4s"
    old.parent.mkdir()
    old.write_bytes(b"an old segment")
    refused = empty_house.run("restore", str(backup))
    assert refused.returncode == 1
    assert "restore --replace" in refused.stderr
    assert people(empty_house) == "newcomer"

    assert empty_house.run("restore", "--replace", str(backup)).returncode == 0
    assert people(empty_house) == "kept"
    assert films(empty_house) == FILMS
    (aside,) = (empty_house.home / "backups").iterdir()
    assert empty_house.run("restore", "--replace", str(aside)).returncode == 0
    assert people(empty_house) == "newcomer"
    assert films(empty_house) == {"films/old.m4s": b"an old segment"}


def test_a_damaged_backup_changes_nothing(backup: Path, empty_house: House, tmp_path: Path) -> None:
    content = bytearray(backup.read_bytes())
    cut_short = tmp_path / "cut.mutoscope"
    cut_short.write_bytes(content[: len(content) // 2])
    content[2000] ^= 0xFF
    flipped = tmp_path / "flipped.mutoscope"
    flipped.write_bytes(content)
    text = tmp_path / "text.mutoscope"
    text.write_text("not a backup")
    for damaged in (cut_short, flipped, text, tmp_path / "missing.mutoscope"):
        done = empty_house.run("restore", str(damaged))
        assert done.returncode == 1, damaged
        assert str(damaged) in done.stderr
        assert not (empty_house.home / "postgres").exists(), damaged


def test_a_backup_that_would_write_outside_its_folder_is_refused(
    backup: Path, empty_house: House, tmp_path: Path
) -> None:
    hostile = tmp_path / "hostile.mutoscope"
    with tarfile.open(hostile, "w") as archive:
        member = tarfile.TarInfo("media/../../escaped")
        member.size = 1
        archive.addfile(member, io.BytesIO(b"x"))
    done = empty_house.run("restore", str(hostile))
    assert done.returncode == 1
    assert "does not belong there" in done.stderr
    assert not list(tmp_path.rglob("escaped"))


def test_a_database_that_refuses_the_backup_stays_as_it_was(
    backup: Path, empty_house: House, settled: Path, tmp_path: Path
) -> None:
    """The dump inside is broken although every checksum fits: PostgreSQL itself has to roll all of it back."""
    broken = tmp_path / "broken.mutoscope"
    with tarfile.open(backup) as old, tarfile.open(broken, "w") as new:
        manifest = json.load(old.extractfile("manifest.json"))  # type: ignore[arg-type]
        for name in manifest["files"]:
            content = old.extractfile(name).read()  # type: ignore[union-attr]
            if name == "database.dump":
                content = content[:-2000]
            manifest["files"][name] = hashlib.sha256(content).hexdigest()
            member = tarfile.TarInfo(name)
            member.size = len(content)
            new.addfile(member, io.BytesIO(content))
        text = json.dumps(manifest).encode()
        member = tarfile.TarInfo("manifest.json")
        member.size = len(text)
        new.addfile(member, io.BytesIO(text))
    empty_house.settle(settled)
    add_person(empty_house, "newcomer")
    done = empty_house.run("restore", "--replace", str(broken))
    assert done.returncode == 1
    assert "nothing was changed" in done.stderr
    assert people(empty_house) == "newcomer"


def test_an_existing_file_is_never_overwritten(full_house: House, backup: Path) -> None:
    before = backup.read_bytes()
    done = full_house.run("backup", str(backup))
    assert done.returncode == 1
    assert "exists already" in done.stderr
    assert backup.read_bytes() == before


def test_without_films_a_backup_says_what_it_lacks_and_a_restore_leaves_those_here_alone(
    full_house: House, empty_house: House, settled: Path, tmp_path: Path
) -> None:
    small = tmp_path / "small.mutoscope"
    done = full_house.run("backup", "--without-films", str(small))
    assert done.returncode == 0, done.stderr
    assert "NOT in it: films (1 file, 15.6 KiB), --without-films was asked for." in done.stdout
    assert "NOT in it: originals" in done.stdout
    with tarfile.open(small) as archive:
        assert sorted(archive.getnames()) == ["database.dump", "manifest.json", "media/avatars/kept.webp"]
    empty_house.settle(settled)
    here = empty_house.home / "films" / "here.m4s"
    here.parent.mkdir()
    here.write_bytes(b"of this house")
    done = empty_house.run("restore", "--replace", str(small))
    assert done.returncode == 0, done.stderr
    assert "NOT in it: films, --without-films was asked for." in done.stdout
    assert films(empty_house) == {"films/here.m4s": b"of this house"}


def test_films_in_a_bucket_are_said_not_to_be_in_a_backup(full_house: House, tmp_path: Path) -> None:
    done = full_house.run("backup", str(tmp_path / "bucket.mutoscope"), MUTOSCOPE_S3_BUCKET="films-example-org")
    assert done.returncode == 0, done.stderr
    assert "NOT in it: originals (1 file, 10.7 KiB), in the bucket films-example-org." in done.stdout


def test_a_disk_without_room_is_told_before_anything_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(belongings.shutil, "disk_usage", lambda _: SimpleNamespace(free=200 * 1024**2))
    belongings.ask_for_room(tmp_path, 100 * 1024**2, "the backup", "Choose another disk.")
    with pytest.raises(Complaint, match=r"needs 300.0 MiB .* 200.0 MiB are free"):
        belongings.ask_for_room(tmp_path, 300 * 1024**2, "the backup", "Choose another disk.")


def test_a_folder_that_may_not_be_read_is_not_left_out_unsaid(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert list(belongings.files_below(tmp_path / "missing")) == []

    def closed(folder: str | Path) -> None:
        raise PermissionError(13, "Permission denied", str(folder))

    monkeypatch.setattr(belongings.os, "scandir", closed)
    with pytest.raises(PermissionError):
        list(belongings.files_below(tmp_path))


def test_a_link_in_a_backup_is_refused(backup: Path, empty_house: House, tmp_path: Path) -> None:
    hostile = tmp_path / "hostile.mutoscope"
    with tarfile.open(hostile, "w") as archive:
        member = tarfile.TarInfo("films/link")
        member.type, member.linkname = tarfile.SYMTYPE, "/etc/passwd"
        archive.addfile(member)
    done = empty_house.run("restore", str(hostile))
    assert done.returncode == 1
    assert "does not belong there" in done.stderr


def test_a_restore_into_a_fresh_home_says_which_keys_are_still_needed(
    tmp_path: Path, empty_house: House, settled: Path
) -> None:
    """None of it is in a backup: the films' key, the signer's files, and the sandbox's chain."""
    old = House(tmp_path / "old")
    old.settle(settled)
    shell(old, SEALED)
    file = tmp_path / "old.mutoscope"
    assert old.run("backup", str(file)).returncode == 0
    again = old.run("restore", "--replace", str(file))
    assert again.returncode == 0, again.stderr
    assert "STILL NEEDED" not in again.stdout

    fresh = empty_house.run("restore", str(file))
    assert fresh.returncode == 0, fresh.stderr
    for missing in ("the video key", "key-encryption key (kek)", "journal"):
        assert f"{missing}" in fresh.stdout
    (old.home / "signer").rename(empty_house.home / "signer")
    (empty_house.home / "signer" / "kek").unlink()
    (old.home / "secrets" / "video_key").replace(empty_house.home / "secrets" / "video_key")
    partly = empty_house.run("restore", "--replace", str(file))
    assert "the video key" not in partly.stdout
    assert "kek" in partly.stdout


def test_a_backup_is_for_its_own_user_alone_whatever_the_umask(full_house: House, tmp_path: Path) -> None:
    before = os.umask(0o022)
    try:
        done = full_house.run("backup", "--without-films", str(tmp_path / "whole.mutoscope"))
    finally:
        os.umask(before)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "whole.mutoscope").stat().st_mode & 0o777 == 0o600


def test_what_killed_restores_left_is_cleared_and_what_one_holds_is_not(tmp_path: Path) -> None:
    (tmp_path / "films").mkdir()
    for place in (tmp_path, tmp_path / "films"):
        (place / f"{RESTORING}killed").mkdir()
        (place / f"{RESTORING}killed" / "film").write_bytes(b"half")
    with aside_in(tmp_path / "films") as held:
        assert clear_asides(tmp_path) == 2
        assert [path.name for path in (tmp_path / "films").iterdir()] == [held.name]


def test_what_a_restore_that_was_killed_had_replaced_goes_when_another_brought_everything(tmp_path: Path) -> None:
    replaced = tmp_path / f"{RESTORING}killed" / "replaced"
    replaced.mkdir(parents=True)
    assert clear_asides(tmp_path) == 0
    assert replaced.is_dir()
    assert clear_asides(tmp_path, with_replaced=True) == 1
    assert list(tmp_path.iterdir()) == []


@pytest.mark.root
@pytest.mark.parametrize(("mode", "folders", "files"), [(0o2770, 0o2770, 0o660), (0o755, 0o750, 0o640)])
def test_files_that_root_restores_belong_to_whom_the_home_belongs(
    backup: Path, tmp_path: Path, mode: int, folders: int, files: int
) -> None:
    home = tmp_path / "home"
    home.mkdir()
    os.chown(home, 61_001, 61_000)
    home.chmod(mode)
    with _bar() as bar, Unpacked(backup, home) as unpacked:
        unpacked.unpack(bar)
        unpacked.move_into_place(["media", "films", "originals"])
    found = list(home.rglob("*"))
    assert {(path.stat().st_uid, path.stat().st_gid) for path in found} == {(61_001, 61_000)}
    assert {path.stat().st_mode & 0o7777 for path in found if path.is_dir()} == {folders}
    films = {path.stat().st_mode & 0o777 for path in found if path.is_file() and "media" not in path.parts}
    assert films == {files}

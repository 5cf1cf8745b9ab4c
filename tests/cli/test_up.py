"""`mutoscope up` as the person at the keyboard meets it: real processes, real signals, a real state directory."""

from __future__ import annotations

import base64
import json
import shutil
import signal
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from mutoscope import __version__
from tests.cli.house import House, wait_until_gone
from tests.plugin import ROOT


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    made = House(tmp_path / "home")
    yield made
    if made.process is not None:
        family = made.family()
        made.process.kill()
        made.process.wait()
        wait_until_gone(family)


def count_people(house: House) -> str:
    script = "from django.contrib.auth import get_user_model as g; print('people', g().objects.filter(username='kept').count())"
    return house.run("manage", "shell", "-v", "0", "-c", script).stdout


def add_person(house: House) -> None:
    script = "from django.contrib.auth import get_user_model as g; g().objects.create(username='kept', email='kept@example.org')"
    done = house.run("manage", "shell", "-v", "0", "-c", script)
    assert done.returncode == 0, done.stderr


def test_ctrl_c_stops_everything_and_the_next_start_finds_what_was_there(house: House) -> None:
    house.up()
    add_person(house)
    family = house.family()
    assert len(family) > 5
    assert house.stop(signal.SIGINT) == 0
    wait_until_gone(family)
    house.up()
    assert count_people(house) == "people 1\n"
    assert house.stop(signal.SIGTERM) == 0


def test_killed_without_a_word_it_leaves_no_process_and_loses_nothing(house: House, settled: Path) -> None:
    house.settle(settled)
    house.up()
    add_person(house)
    family = house.family()
    assert house.process is not None
    house.process.kill()
    house.process.wait()
    wait_until_gone(family)
    house.up()
    assert count_people(house) == "people 1\n"


def test_parts_that_die_are_started_again(house: House, settled: Path) -> None:
    house.settle(settled)
    house.up()
    web = next(process for process in house.family() if process.cmdline()[-1:] == ["web"])
    family_of_web = [web, *web.children(recursive=True)]
    web.kill()
    wait_until_gone(family_of_web)
    house.wait_until_ready()
    assert "web        failed" in house.said()
    database = next(process for process in house.family() if process.name() == "postgres")
    database.kill()
    wait_until_gone([database])
    house.wait_until_ready()
    assert house.get("/readyz")["checks"]["database"] == "ok"


PRODUCTION = {
    "MUTOSCOPE_MODE": "production",
    "MUTOSCOPE_SITE_URL": "https://films.example.org",
    "MUTOSCOPE_SECRET_KEY": "k" * 64,
    "MUTOSCOPE_VIDEO_KEY": base64.b64encode(bytes(32)).decode(),
    "MUTOSCOPE_MAIL_URL": "smtp+tls://user:password@mail.example.org:587",
    "MUTOSCOPE_MAIL_FROM": "Films <no-reply@films.example.org>",
    "MUTOSCOPE_TRUSTED_PROXIES": "1",
}


def test_it_starts_in_production_too_and_says_which_variable_nothing_reads(house: House, settled: Path) -> None:
    house.settle(settled)
    house.start(MUTOSCOPE_FEE_BPSS="5", **PRODUCTION)
    house.wait_until_said("Open https://films.example.org")
    assert "Nothing reads MUTOSCOPE_FEE_BPSS (MUTOSCOPE_FEE_BPS?)" in house.said()
    asked = urllib.request.Request(f"http://127.0.0.1:{house.port}/readyz", headers={"Host": "films.example.org"})
    with urllib.request.urlopen(asked, timeout=10) as answer:
        assert json.load(answer)["ready"]
    assert house.stop() == 0


def test_a_signer_whose_key_others_may_read_keeps_nothing_else_from_starting(house: House, settled: Path) -> None:
    house.settle(settled)
    house.up()
    key = house.home / "signer" / "kek"
    key.chmod(0o644)
    signer = next(process for process in house.family() if process.cmdline()[-1:] == ["signer"])
    signer.kill()
    house.wait_until_said("may be read by others")
    assert house.answers()
    key.chmod(0o600)
    house.wait_until_said("signer     ready", times=2)


def test_a_second_up_on_the_same_state_says_so_and_exits(house: House, settled: Path) -> None:
    house.settle(settled)
    house.up()
    done = house.run("up")
    assert done.returncode == 1
    assert "already running" in done.stderr
    assert f"http://localhost:{house.port}" in done.stderr
    assert house.answers()


def test_a_taken_port_names_its_holder_and_the_next_step(house: House) -> None:
    with socket.create_server(("127.0.0.1", house.port)):
        done = house.run("up")
    assert done.returncode == 1
    assert f"port {house.port} is taken by" in done.stderr
    assert f"MUTOSCOPE_PORT={house.port + 1} make up" in done.stderr
    assert not (house.home / "postgres").exists(), "nothing may be made before it can start"


def test_a_state_directory_of_a_newer_release_is_refused_and_not_touched(house: House) -> None:
    house.home.mkdir()
    state = house.home / "state.json"
    state.write_text(json.dumps({"mutoscope": "99.1.0"}))
    done = house.run("up")
    assert done.returncode == 1
    assert f"Mutoscope 99.1.0, which is newer than this one ({__version__})" in done.stderr
    assert json.loads(state.read_text()) == {"mutoscope": "99.1.0"}
    assert not (house.home / "postgres").exists()


def test_a_database_migrated_by_a_newer_release_is_refused(house: House, settled: Path) -> None:
    house.settle(settled)
    house.up()
    script = (
        "from django.db import connection as c; "
        "c.cursor().execute(\"INSERT INTO django_migrations (app, name, applied) VALUES ('accounts', '9999_later', now())\")"
    )
    assert house.run("manage", "shell", "-v", "0", "-c", script).returncode == 0
    house.stop()
    done = house.run("up")
    assert done.returncode == 1
    assert "accounts.9999_later" in done.stderr


def test_a_wrong_setting_names_the_variable_the_problem_and_an_example(house: House) -> None:
    done = house.run("up", MUTOSCOPE_WEB_WORKERS="many", DATABASE_URL="mysql://root:hunter2@db/x")
    assert done.returncode == 2
    assert "MUTOSCOPE_WEB_WORKERS: " in done.stderr
    assert "For example: MUTOSCOPE_WEB_WORKERS=2" in done.stderr
    assert "DATABASE_URL: must begin with postgresql://" in done.stderr
    assert "hunter2" not in done.stderr


def test_a_database_that_does_not_answer_is_named(house: House) -> None:
    done = house.run("up", DATABASE_URL="postgresql://nobody:hunter2@127.0.0.1:1/films")
    assert done.returncode == 1
    assert "the database does not answer" in done.stderr
    assert "DATABASE_URL" in done.stderr
    assert "hunter2" not in done.stdout + done.stderr


@pytest.mark.bubblewrap
def test_a_full_disk_is_named_before_anything_is_made(house: House) -> None:
    command = [
        shutil.which("bwrap") or "bwrap", "--bind", "/", "/", "--dev", "/dev", "--proc", "/proc",
        "--size", str(16 * 1024 * 1024), "--tmpfs", str(house.home), "--chdir", str(ROOT),
        sys.executable, "-m", "mutoscope.cli", "up",
    ]  # fmt: skip
    house.home.mkdir()
    done = subprocess.run(command, env=house.environment(), capture_output=True, text=True, check=False)
    assert done.returncode == 1, done.stderr
    assert "MiB are free" in done.stderr
    assert "MUTOSCOPE_HOME" in done.stderr

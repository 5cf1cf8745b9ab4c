"""What `mutoscope doctor` says, beyond the database (tests/engines/postgres/test_pgbouncer.py)."""

from __future__ import annotations

import json
from pathlib import Path

from mutoscope.cli.doctor import Health, key_material
from mutoscope.web.environment import Environment, Mode
from tests.cli.house import House


def test_a_healthy_machine_has_nothing_bad_and_each_finding_has_its_parts(tmp_path: Path) -> None:
    done = House(tmp_path / "home").run("doctor", "--json")
    findings = {finding["check"]: finding for finding in json.loads(done.stdout)}
    assert done.returncode == 0, done.stdout
    assert {
        "python",
        "settings",
        "disk",
        "clock",
        "ffmpeg",
        "sandbox",
        "database default",
        "mail",
        "secret key",
        "video key",
    } <= set(findings)
    assert all(finding["detail"] for finding in findings.values())
    assert all(finding["fix"] for finding in findings.values() if finding["health"] != "ok")


def test_a_mistyped_variable_is_named(tmp_path: Path) -> None:
    done = House(tmp_path / "home").run("doctor", "--json", MUTOSCOPE_PROT="8")
    (finding,) = [finding for finding in json.loads(done.stdout) if finding["check"] == "settings"]
    assert finding["health"] == "warning"
    assert "MUTOSCOPE_PROT (MUTOSCOPE_PORT?)" in finding["detail"]


def test_what_the_person_can_mend_is_not_called_a_bug(tmp_path: Path) -> None:
    house = House(tmp_path / "home")
    for more in ({"MUTOSCOPE_MODE": "production"}, {"MUTOSCOPE_HOME": "/proc/nowhere"}):
        done = house.run("doctor", **more)
        assert done.returncode == 1
        assert "Please report this" not in done.stdout, done.stdout
    away = "postgresql://nobody@127.0.0.1:1/films"
    for command in (["reconcile"], ["backup", str(tmp_path / "x.mutoscope")], ["ledger", "verify"]):
        done = house.run(*command, DATABASE_URL=away)
        assert done.returncode == 1, command
        assert "the database does not answer" in done.stderr, command
        assert "Traceback" not in done.stderr, command


def test_what_is_bad_names_its_cure_and_fails(tmp_path: Path) -> None:
    done = House(tmp_path / "home").run(
        "doctor", MUTOSCOPE_FFMPEG="/bin/false", DATABASE_URL="postgresql://nobody:hunter2@127.0.0.1:1/films"
    )
    assert done.returncode == 1
    assert "MUTOSCOPE_FFMPEG" in done.stdout
    assert "DATABASE_URL" in done.stdout
    assert "hunter2" not in done.stdout + done.stderr


def test_production_without_a_video_key_is_told(tmp_path: Path) -> None:
    production = Environment.model_construct(mode=Mode.PRODUCTION, secret_key=None, video_key=None, home=tmp_path)
    found = {finding.check: finding for finding in key_material(production)}
    assert found["video key"].health is Health.BAD
    assert "MUTOSCOPE_VIDEO_KEY" in found["video key"].fix

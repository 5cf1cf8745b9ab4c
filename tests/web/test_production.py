"""Production's settings as Django and a browser see them, in a process of their own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from mutoscope.engines.postgres.embedded import EmbeddedServer
from tests.web.test_environment import SAFE


def manage(*arguments: str, home: Path, server: EmbeddedServer, **changed: str) -> subprocess.CompletedProcess[str]:
    given = {**os.environ, **SAFE, "MUTOSCOPE_HOME": str(home), "DATABASE_URL": server.url("postgres"), **changed}
    return subprocess.run(
        [sys.executable, "-m", "mutoscope.cli", "manage", *arguments],
        env=given, capture_output=True, text=True, check=False,
    )  # fmt: skip


def test_check_deploy_is_clean(tmp_path: Path, postgres_server: EmbeddedServer) -> None:
    # A file makes no secret: Django looks at the key's variety, too.
    key = "Zk3v9Qw7Lr2Xt5Yb8Nc1Md4Fg6Hj0Ks-Pa_Se3Ru7Ti9Ow2Ve5Ly"
    done = manage(
        "check", "--deploy", "--fail-level", "WARNING", home=tmp_path, server=postgres_server, MUTOSCOPE_SECRET_KEY=key
    )
    assert done.returncode == 0, done.stderr
    assert "no issues" in done.stdout


def test_an_unsafe_default_stops_the_start_with_its_id_and_hint(
    tmp_path: Path, postgres_server: EmbeddedServer
) -> None:
    done = manage(
        "check", "--deploy", home=tmp_path, server=postgres_server, MUTOSCOPE_SITE_URL="http://films.example.org"
    )
    assert done.returncode == 1
    assert "mutoscope.E001" in done.stderr
    assert "HINT: Set it to the https:// address" in done.stderr


def test_without_a_secret_key_nothing_starts(tmp_path: Path, postgres_server: EmbeddedServer) -> None:
    done = manage("check", home=tmp_path, server=postgres_server, MUTOSCOPE_SECRET_KEY="")
    assert done.returncode == 2
    assert "MUTOSCOPE_SECRET_KEY: must be set in production" in done.stderr


def test_the_demo_is_refused(tmp_path: Path, postgres_server: EmbeddedServer) -> None:
    script = "from mutoscope.web.demo.people import furnish; furnish()"
    done = manage("shell", "-v", "0", "-c", script, home=tmp_path, server=postgres_server)
    assert "NotInProduction" in done.stderr


@pytest.mark.parametrize("role", ["web", "worker"])
def test_only_the_web_server_keeps_a_pool(tmp_path: Path, postgres_server: EmbeddedServer, role: str) -> None:
    script = "from django.conf import settings as s; print('pool:', s.DATABASES['default']['OPTIONS'].get('pool'))"
    done = manage("shell", "-v", "0", "-c", script, home=tmp_path, server=postgres_server, MUTOSCOPE_ROLE=role)
    assert ("pool: None" in done.stdout) is (role != "web"), done.stdout + done.stderr

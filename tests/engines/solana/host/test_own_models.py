"""A project brings its own payment and token models, with its migrations in its own app, and takes payments."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from mutoscope.engines.postgres.embedded import EmbeddedServer
from tests.databases import scratch_database

ROOT = Path(__file__).resolve().parents[4]


@pytest.mark.parametrize("brings", ["both", "payment"])
def test_a_project_takes_payments_with_its_own_models(postgres_server: EmbeddedServer, brings: str) -> None:
    with scratch_database(postgres_server, "host") as name:
        environment = {
            **{key: value for key, value in os.environ.items() if not key.startswith("MUTOSCOPE_")},
            "DJANGO_SETTINGS_MODULE": "tests.engines.solana.host.settings",
            "PROJECT_DATABASE_URL": postgres_server.url(name),
            "HOST_BRINGS": brings,
            "PYTHONPATH": f"{ROOT / 'src'}{os.pathsep}{ROOT}",
        }
        done = subprocess.run(
            [sys.executable, "-m", "tests.engines.solana.host.journey"],
            cwd=ROOT,
            env=environment,
            capture_output=True,
            text=True,
            timeout=240,
            check=False,
        )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-4000:]

"""A project without PostgreSQL is told so by `manage.py check`, before anything is migrated."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

SCRIPT = """
import django
from django.conf import settings
settings.configure(SECRET_KEY="alone", INSTALLED_APPS=["mutoscope.engines.{engine}"], USE_TZ=True,
    DATABASES={{"default": {{"ENGINE": "django.db.backends.{backend}", "NAME": "nothing"}}}})
django.setup()
from django.core.management import call_command
call_command("check")
"""


@pytest.mark.parametrize("engine", ["ledger", "sequences"])
@pytest.mark.parametrize("backend", ["sqlite3", "postgresql"])
def test_a_database_that_is_no_postgresql_is_an_error(engine: str, backend: str) -> None:
    environment = {key: value for key, value in os.environ.items() if key != "DJANGO_SETTINGS_MODULE"}
    script = SCRIPT.format(engine=engine, backend=backend)
    done = subprocess.run([sys.executable, "-c", script], env=environment, capture_output=True, text=True, check=False)
    if backend == "postgresql":
        assert done.returncode == 0, done.stderr
    else:
        assert f"({engine}.E001)" in done.stderr
        assert done.returncode != 0

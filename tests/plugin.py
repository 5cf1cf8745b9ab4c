"""Loaded before Django's settings: gives the tests a real PostgreSQL of their own, and nothing of the person's.

The server lives in var/test, is kept between runs of the suite, and trades durability for speed. Tests about durability
start servers of their own.
"""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
HOME = ROOT / "var" / "test"

sys.path.insert(0, str(ROOT / "src"))
for name in [name for name in os.environ if name.startswith(("MUTOSCOPE_", "DATABASE_"))]:
    del os.environ[name]
os.environ["MUTOSCOPE_HOME"] = str(HOME)
# Tests start the site's programs some hundreds of times; without this each of them would compile the whole of it anew.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
# whitenoise warns where there is nothing to serve yet.
(HOME / "static").mkdir(parents=True, exist_ok=True)

from mutoscope.engines.postgres.embedded import EmbeddedServer  # noqa: E402

SERVER = EmbeddedServer(
    HOME / "postgres",
    settings={"fsync": "off", "max_connections": "300", "synchronous_commit": "off", "full_page_writes": "off"},
    may_create_databases=True,
    sync_on_creation=False,
)

# Whatever a test needs from the machine, by marker: in CI it has to be there.
NEEDED_PROGRAMS = {
    "browser": (("chromium", "chromium-browser", "google-chrome"), "apt-get install chromium"),
    "bubblewrap": (("bwrap",), "apt-get install bubblewrap"),
    "pgbouncer": (("pgbouncer",), "apt-get install pgbouncer"),
    "systemd": (("systemd-analyze",), "apt-get install systemd"),
    "nginx": (("nginx",), "apt-get install nginx"),
}


def pytest_sessionstart(session: pytest.Session) -> None:
    if is_controller(session.config):
        SERVER.start()


def pytest_sessionfinish(session: pytest.Session) -> None:
    if is_controller(session.config):
        SERVER.stop()


def is_controller(config: pytest.Config) -> bool:
    """Whether this is the process that starts pytest-xdist's workers, or the only one."""
    return not hasattr(config, "workerinput")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    for item in items:
        for marker, (programs, remedy) in NEEDED_PROGRAMS.items():
            if item.get_closest_marker(marker) and not any(shutil.which(program) for program in programs):
                reason = f"{programs[0]} is not installed ({remedy})"
                if os.environ.get("CI"):
                    raise pytest.UsageError(f"In CI no test may be skipped, but {reason}")
                item.add_marker(pytest.mark.skip(reason=reason))
        if item.get_closest_marker("root") and os.geteuid() != 0:
            reason = "only root can act as several users"
            if os.environ.get("CI"):
                raise pytest.UsageError(f"In CI no test may be skipped, but {reason}")
            item.add_marker(pytest.mark.skip(reason=reason))


@pytest.fixture(scope="session")
def postgres_server() -> EmbeddedServer:
    """The suite's PostgreSQL server, for tests that need a database beside Django's own."""
    return SERVER

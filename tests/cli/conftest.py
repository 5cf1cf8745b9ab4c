"""A state directory to begin with, made once for the whole run: most tests are about what comes after the first start."""

from __future__ import annotations

import fcntl
from pathlib import Path

import pytest

from tests.cli.house import House


@pytest.fixture(scope="session")
def settled(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Path:
    """A migrated home, not running: House.settle() copies it. The first of pytest's processes to ask makes it for all."""
    shared = tmp_path_factory.getbasetemp()
    if worker_id != "master":
        shared = shared.parent
    house = House(shared / "settled" / "home")
    with (shared / "settled.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (house.home.parent / "done").exists():
            done = house.run("manage", "migrate")
            assert done.returncode == 0, done.stderr
            (house.home.parent / "done").touch()
    return house.home

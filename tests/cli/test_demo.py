"""Furnishing a fresh sandbox: by the site itself, once, whatever happens in between."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.house import House, wait_until_gone

PATIENCE_S = 600.0
# What the furnishing left: films with their states, uploads, what was bought, and who has what points.
COUNT = """
import json
from django.apps import apps
model = lambda label: apps.get_model(*label.split(".")).objects
print(json.dumps({
    "films": list(model("videos.Video").values_list("title", "state", "is_free")),
    "covers": model("videos.Video").filter(cover__isnull=False).count(),
    "uploads": model("videos.Upload").count(),
    "credited": sorted(model("billing.TopUp").exclude(transfer_id=None).values_list("person__username", flat=True)),
    "unpaid": model("billing.TopUp").filter(transfer_id=None).count(),
    "tips": list(model("billing.Tip").values_list("points", "is_shown")),
}))
"""


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    made = House(tmp_path / "home")
    yield made
    if made.process is not None:
        family = made.family()
        made.process.kill()
        made.process.wait()
        wait_until_gone(family)


def wait_for(house: House, words: str) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while words not in house.said():
        assert time.monotonic() < deadline, house.said()
        assert house.process is not None
        assert house.process.poll() is None, house.said()
        time.sleep(0.1)


@pytest.mark.crash  # minutes on a busy machine: with the long programmes
def test_it_is_furnished_once_although_it_was_killed_on_the_way(house: House) -> None:
    house.up(MUTOSCOPE_DEMO_FILMS="1")
    wait_for(house, "demo       working  film 1 of 1: encoding")
    family = house.family()
    assert house.process is not None
    house.process.kill()
    house.process.wait()
    wait_until_gone(family)

    house.up(MUTOSCOPE_DEMO_FILMS="1")
    wait_for(house, "demo       ready    1 film, points bought, sales and tips")
    done = house.run("manage", "shell", "-v", "0", "-c", COUNT)
    assert json.loads(done.stdout) == {
        "films": [["Slow Light", "published", True]],
        "covers": 1,
        "uploads": 1,
        "credited": ["demo-guest-1", "demo-guest-2", "demo-guest-3", "demo-viewer"],
        "unpaid": 0,
        "tips": [[75, True]],
    }, done.stderr
    assert house.run("reconcile").returncode == 0
    asked_for_again = house.run("demo", MUTOSCOPE_DEMO_FILMS="1")
    assert (asked_for_again.returncode, asked_for_again.stdout) == (0, "furnished\n")


def test_it_is_refused_with_real_money(house: House) -> None:
    done = house.run("demo", MUTOSCOPE_MODE="production", MUTOSCOPE_SITE_URL="https://films.example.org")
    assert done.returncode == 2

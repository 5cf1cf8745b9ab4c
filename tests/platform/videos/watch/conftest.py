"""Where films lie in these tests, and who sells them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from mutoscope.platform.videos.watch.ports import may_watch
from tests.platform.videos.watch.screenings import BoxOffice


@pytest.fixture
def films_folder(settings: Any, tmp_path: Path) -> Path:
    folder = tmp_path / "films"
    settings.STORAGES = {
        **settings.STORAGES,
        "films": {"BACKEND": settings.STORAGES["films"]["BACKEND"], "OPTIONS": {"location": folder}},
    }
    return folder


@pytest.fixture
def box_office() -> Iterator[BoxOffice]:
    office = BoxOffice()
    with may_watch.bound(office):
        yield office

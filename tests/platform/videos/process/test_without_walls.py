"""Films on machines with lesser walls, and with none."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from mutoscope.engines.sandbox import Level
from mutoscope.platform.videos import walls
from mutoscope.platform.videos.domain.life import VideoState
from mutoscope.platform.videos.process import waiting
from mutoscope.platform.videos.studio.standing import standing_of
from tests.platform.videos.process.conftest import Maker, new_film, until, work_until_ended, working
from tests.platform.videos.process.sources import X264, make, picture, tone

pytestmark = pytest.mark.django_db(transaction=True)


def small_film(folder: Path) -> Path:
    return make(folder / "film.mp4", *picture("320x240", "10", 2), *tone(2), *X264, "-c:a", "aac")


@pytest.mark.parametrize("level", [Level.LANDLOCK, Level.WHITELIST])
def test_a_film_is_made_at_the_lower_levels_too(
    make_film: Maker, places: Path, settings: Any, monkeypatch: pytest.MonkeyPatch, level: Level
) -> None:
    settings.UPLOADS_WITHOUT_WALLS = True
    monkeypatch.setattr(walls, "best", lambda: level)
    video = make_film(small_film(places))
    assert video.state == VideoState.READY, video.state_reason


def test_a_film_waits_for_a_machine_that_can_open_it_safely(places: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(waiting, "WAIT_S", 0.1)
    video = new_film(small_film(places))
    with monkeypatch.context() as without:
        without.setattr(walls, "best", lambda: Level.WHITELIST)
        with working():
            until(video, lambda progress: any(unit.note.startswith("waiting: NoWalls") for unit in progress.live))
        assert "a machine that can open films safely" in standing_of(video).sentence
        video.refresh_from_db()
        assert video.state == VideoState.PROCESSING
        assert video.edition is None
    work_until_ended(video)
    video.refresh_from_db()
    assert video.state == VideoState.READY, video.state_reason

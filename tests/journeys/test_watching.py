"""Watching in a real browser: pictures move, keys come, places are kept."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page

from mutoscope.platform.videos.models import Video
from mutoscope.platform.videos.watch.models import Playback
from mutoscope.platform.videos.watch.ports import may_watch
from tests.journeys.visitor import SCREENSHOTS, Visitor
from tests.people import make_channel, make_person
from tests.platform.videos.watch.screenings import BoxOffice, new_film

pytestmark = [pytest.mark.browser, pytest.mark.usefixtures("films_folder")]

Visit = Callable[..., Visitor]
PATIENCE_MS = 60_000


@pytest.fixture
def films_folder(settings: Any, tmp_path: Path) -> None:
    films = {"BACKEND": settings.STORAGES["films"]["BACKEND"], "OPTIONS": {"location": tmp_path / "films"}}
    settings.STORAGES = {**settings.STORAGES, "films": films}


@pytest.fixture
def box_office() -> Iterator[BoxOffice]:
    office = BoxOffice()
    with may_watch.bound(office):
        yield office


@pytest.fixture
def film(site: str, films_folder: None) -> Video:
    return new_film(make_channel(make_person("nora")), is_free=True)


def address(film: Video) -> str:
    return f"/watch/{film.public_id}/{film.slug()}"


def wait(page: Page, condition: str, argument: Any = None) -> None:
    page.wait_for_function(condition, arg=argument, timeout=PATIENCE_MS)


def time_s(page: Page) -> float:
    return float(page.evaluate("document.querySelector('[data-video]').currentTime"))


def plays_past(page: Page, seconds: float) -> None:
    """The film is really shown: its time goes on, and frames were drawn."""
    wait(
        page,
        "s => { const v = document.querySelector('[data-video]'); return v.currentTime > s && !v.paused; }",
        seconds,
    )
    frames = "document.querySelector('[data-video]').getVideoPlaybackQuality().totalVideoFrames"
    assert page.evaluate(frames) > 0


def seeks_to(page: Page, seconds: float) -> None:
    page.evaluate("s => { document.querySelector('[data-video]').currentTime = s; }", seconds)
    wait(page, "s => { const v = document.querySelector('[data-video]'); return !v.seeking && v.readyState > 2; }")


def test_a_free_film_plays_seeks_and_shows_subtitles(visitor: Visitor, film: Video) -> None:
    page = visitor.goto(address(film))
    visitor.look("film")
    page.screenshot(path=SCREENSHOTS / "film-wide.png")
    visitor.press("Play")
    plays_past(page, 1.0)
    seeks_to(page, 9.0)
    plays_past(page, 9.5)
    assert Playback.objects.get().keys_given >= 2
    page.get_by_role("button", name="Settings").click()
    page.get_by_role("radio", name="English").check()
    wait(page, "() => [...document.querySelector('[data-video]').textTracks].some("
         "t => t.mode === 'showing' && t.activeCues && t.activeCues.length && t.activeCues[0].text.includes('harbour'))")  # fmt: skip
    page.get_by_role("radio", name="240p").check()
    page.get_by_role("radio", name="1.5 ×").check()
    assert page.evaluate("document.querySelector('[data-video]').playbackRate") == 1.5
    visitor.check_access("the player's settings")
    page.screenshot(path=SCREENSHOTS / "film-playing.png")

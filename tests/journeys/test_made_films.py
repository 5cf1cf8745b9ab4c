"""Films that the pipeline itself made, in Chromium: what is encoded, encrypted and packaged here is what plays there."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page

from mutoscope.platform.videos.domain.ladder import KEY_PERIOD_S
from mutoscope.platform.videos.domain.life import VideoState
from mutoscope.platform.videos.life.moves import move
from mutoscope.platform.videos.models import Video
from mutoscope.platform.videos.watch.models import Playback
from tests.journeys.test_watching import address, plays_past, seeks_to, wait
from tests.journeys.visitor import Visitor
from tests.platform.videos.process.conftest import Maker, make_film, places
from tests.platform.videos.process.sources import X264, make, picture, tone

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

__all__ = ["make_film", "places"]


def published(video: Video) -> Video:
    """For everybody, for nothing."""
    assert video.state == VideoState.READY, video.state_reason
    Video.objects.filter(pk=video.pk).update(is_free=True)
    move(video.pk, VideoState.PUBLISHED)
    video.refresh_from_db()
    return video


def test_av1_plays(visitor: Visitor, make_film: Maker, tmp_path: Path, settings: Any) -> None:
    settings.VIDEO_AV1 = True
    film = published(
        make_film(make(tmp_path / "film.mp4", *picture("640x360", "25", 10), *tone(10), *X264, "-c:a", "aac"))
    )
    page = visitor.page
    asked = requests_of(page)
    visitor.goto(address(film))
    visitor.press("Play")
    plays_past(page, 0.5)
    page.get_by_role("button", name="Settings").click()
    page.get_by_role("radio", name="240p AV1").check()
    # Its pictures are smaller than those of the quality that was chosen by itself.
    wait(page, "() => document.querySelector('[data-video]').videoHeight === 240")
    seeks_to(page, 0.0)
    asked.clear()
    plays_past(page, 6.0)
    pictures = {found[1] for url in asked if (found := re.search(r"/(\d+p[^/]*)/\d+-\w+\.m4s", url))}
    assert pictures <= {"240p-av1"}, "what is shown is AV1 and nothing else"
    assert any("/240p-av1/" in url for url in page_entries(page))
    assert page.evaluate("document.querySelector('[data-video]').getVideoPlaybackQuality().corruptedVideoFrames") == 0


def test_a_film_plays_on_across_the_change_of_its_key(visitor: Visitor, make_film: Maker, tmp_path: Path) -> None:
    seconds = KEY_PERIOD_S + 12
    made = make(
        tmp_path / "film.mp4", *picture("320x240", "10", seconds), *tone(seconds), "-g", "20", *X264, "-c:a", "aac"
    )
    film = published(make_film(made))
    assert film.edition is not None
    assert film.edition.key_periods.count() == 2
    page = visitor.page
    keys: list[str] = []
    page.on("response", lambda response: keys.append(response.url) if "/keys/" in response.url else None)
    visitor.goto(f"{address(film)}?t={KEY_PERIOD_S - 4}")
    page.get_by_role("button", name="Go on at").click()
    # Played, not jumped: the decoder is handed pictures under the one key and then under the other.
    plays_past(page, KEY_PERIOD_S - 3)
    plays_past(page, KEY_PERIOD_S + 4)
    assert len(set(keys)) == 2, "a key for each period, whatever the number of streams"
    assert Playback.objects.get().keys_given == 2
    # And back, into what was sealed under the first.
    seeks_to(page, 2.0)
    plays_past(page, 3.0)


def requests_of(page: Page) -> list[str]:
    """Addresses that the page asks for, as they come."""
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    return asked


def page_entries(page: Page) -> list[str]:
    """What the browser itself says that it loaded."""
    found: list[str] = page.evaluate("performance.getEntriesByType('resource').map(entry => entry.name)")
    return found

"""Watching in a real browser: pictures move, keys come, places are kept."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone
from playwright.sync_api import Page, expect

from mutoscope.platform.videos.domain.life import VideoState
from mutoscope.platform.videos.life.moves import move
from mutoscope.platform.videos.models import Video
from mutoscope.platform.videos.watch.models import Playback, Seen
from mutoscope.platform.videos.watch.ports import may_watch
from tests.journeys.visitor import SCREENSHOTS, Visitor
from tests.people import make_channel, make_person
from tests.platform.videos.watch.encoder import give_edition
from tests.platform.videos.watch.screenings import BoxOffice, new_film

pytestmark = [pytest.mark.browser, pytest.mark.usefixtures("films_folder")]

Visit = Callable[..., Visitor]
PATIENCE_MS = 60_000
# What of the player's bars and menu lies beyond the player's own frame, and does not scroll into it.
OUTSIDE = """() => {
  const frame = document.querySelector('[data-player]').getBoundingClientRect();
  const seen = [...document.querySelectorAll('[data-settings], .player-bars media-play-button, .player-bars [data-settings-button], .player-bars media-fullscreen-button')];
  return seen.filter(each => { const box = each.getBoundingClientRect();
    return box.width && (box.left < frame.left - 1 || box.right > frame.right + 1 || box.top < frame.top - 1 || box.bottom > frame.bottom + 1); })
    .map(each => each.outerHTML.slice(0, 80));
}"""


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


def eventually(holds: Callable[[], bool]) -> None:
    """Wait until it holds: a beat travels while the test goes on."""
    deadline = time.monotonic() + PATIENCE_MS / 1000
    while not holds():
        assert time.monotonic() < deadline, "it never came to that"
        time.sleep(0.05)


def address(film: Video) -> str:
    return f"/watch/{film.public_id}/{film.slug()}"


def wait(page: Page, condition: str, argument: Any = None) -> None:
    page.wait_for_function(condition, arg=argument, timeout=PATIENCE_MS)


def plays_past(page: Page, seconds: float) -> None:
    """The film is really shown: its time goes on, and frames were drawn."""
    wait(
        page,
        "s => document.querySelector('[data-video]').currentTime > s",
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
    page.locator("media-time-range").hover()
    wait(page, "() => document.querySelector('media-time-range').hasAttribute('mediapreviewimage')")
    page.get_by_role("button", name="Settings").click()
    page.get_by_role("radio", name="English").check()
    wait(page, "() => [...document.querySelector('[data-video]').textTracks].some("
         "t => t.mode === 'showing' && t.activeCues && t.activeCues.length && t.activeCues[0].text.includes('harbour'))")  # fmt: skip
    page.get_by_role("radio", name="240p").check()
    page.get_by_role("radio", name="1.5 ×").check()
    assert page.evaluate("document.querySelector('[data-video]').playbackRate") == 1.5
    visitor.check_access("the player's settings")
    page.screenshot(path=SCREENSHOTS / "film-playing.png")


def test_a_place_is_kept_and_found_on_another_device(visit: Visit, film: Video) -> None:
    petra = make_person("petra")
    here, there = visit(), visit()
    here.becomes(petra)
    page = here.goto(address(film))
    here.press("Play")
    plays_past(page, 0.5)
    seeks_to(page, 7.0)
    plays_past(page, 8.0)
    page.keyboard.press("k")
    wait(page, "() => document.querySelector('[data-video]').paused")
    # The pause told the site; what is there is not there by leaving the page.
    eventually(lambda: Seen.objects.filter(person=petra, position_ms__gte=8_000).exists())
    kept_s = Seen.objects.get(person=petra).position_ms / 1000
    there.becomes(petra)
    page = there.goto(address(film))
    page.get_by_role("button", name="Go on at").click()
    plays_past(page, kept_s)
    # Left before it comes to its end, where it would count as seen.
    page.goto("about:blank")
    # A page that is merely opened sets nobody back; test_beats.py has the beginnings that are played.
    page = here.goto(f"{address(film)}?t=0")
    page = here.goto(address(film))
    expect(page.get_by_role("button", name="Go on at")).to_be_visible()
    assert Seen.objects.get(person=petra).position_ms >= 8_000
    here.goto("/")
    here.sees("Continue watching")
    here.look("home-with-films")
    here.goto("/history/")
    here.look("history")
    page.get_by_label("Keep what I watch").uncheck()
    here.press("Save")
    here.sees("not kept from now on")
    here.press("Clear the history")
    here.press("Clear it")
    here.sees("Nothing yet.")
    here.look("history-empty")


def test_the_player_by_keyboard(visitor: Visitor, film: Video) -> None:
    page = visitor.goto(address(film))
    video = "document.querySelector('[data-video]')"
    page.keyboard.press("Space")
    plays_past(page, 0.5)
    page.keyboard.press("k")
    wait(page, f"() => {video}.paused")
    page.keyboard.press("5")
    wait(page, f"() => Math.abs({video}.currentTime - {video}.duration / 2) < 0.1")
    page.keyboard.press("ArrowLeft")
    wait(page, f"() => Math.abs({video}.currentTime - {video}.duration / 2 + 5) < 0.1")
    page.keyboard.press("l")
    wait(page, f"() => {video}.currentTime > {video}.duration / 2 + 4")
    page.keyboard.press("m")
    assert page.evaluate(f"{video}.muted")
    page.keyboard.press("c")
    wait(page, f"() => [...{video}.textTracks].some(t => t.mode === 'showing' && t.kind !== 'metadata')")
    page.keyboard.press("Shift+Period")
    assert page.evaluate(f"{video}.playbackRate") == 1.25
    page.keyboard.press("f")
    wait(page, "() => document.fullscreenElement !== null")
    page.keyboard.press("f")
    wait(page, "() => document.fullscreenElement === null")
    page.keyboard.press("Shift+?")
    expect(page.get_by_role("dialog", name="Keyboard")).to_be_visible()
    visitor.look("film-keys")
    page.keyboard.press("Escape")
    # A button that has the focus keeps its own keys: space presses Share, and the film stays as it is.
    page.get_by_role("button", name="Share").focus()
    page.keyboard.press("Space")
    expect(page.get_by_role("dialog", name="Share this film")).to_be_visible()
    assert page.evaluate(f"{video}.paused")
    page.get_by_label("Start at").check()
    expect(page.get_by_role("textbox", name="Link")).to_have_value(re.compile(r"\?t=\d+$"))
    visitor.look("film-share")


def test_who_has_not_paid_sees_the_price_and_never_a_key(visit: Visit, site: str, box_office: BoxOffice) -> None:
    film = new_film(make_channel(make_person("nora")))
    stranger = visit()
    asked: list[str] = []
    stranger.page.on("request", lambda request: asked.append(request.url))
    page = stranger.goto(address(film))
    expect(page.get_by_role("link", name="Sign in").first).to_be_visible()
    expect(page.locator("[data-trailer]")).to_be_visible()
    stranger.look("film-locked")
    assert not [url for url in asked if "/keys/" in url or ".m3u8" in url or ".m4s" in url]
    petra = make_person("petra")
    stranger.becomes(petra)
    box_office.expire(petra.pk, film.pk, timezone.now() - timedelta(hours=3))
    stranger.goto(address(film))
    stranger.sees("Your time with this film is over")
    stranger.look("film-expired")
    box_office.unlock(petra.pk, film.pk, timezone.now() + timedelta(hours=22))
    stranger.goto(address(film))
    stranger.press("Play")
    plays_past(page, 0.5)


def test_a_right_that_ends_while_the_film_plays(visit: Visit, site: str, box_office: BoxOffice) -> None:
    film = new_film(make_channel(make_person("nora")))
    petra = make_person("petra")
    box_office.unlock(petra.pk, film.pk)
    visitor = visit()
    visitor.becomes(petra)
    visitor.expected_statuses |= {401, 403}
    page = visitor.goto(address(film))
    visitor.press("Play")
    plays_past(page, 0.3)
    box_office.expire(petra.pk, film.pk, timezone.now())
    Playback.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    # Whatever is in the buffer may still be shown; the next beat finds the playback over, and asking again is refused.
    page.evaluate("document.querySelector('[data-video]').pause()")
    expect(page.get_by_role("alert")).to_contain_text("Your time with this film is over", timeout=PATIENCE_MS)
    expect(page.get_by_role("link", name="Show how to unlock")).to_be_visible()
    page.screenshot(path=SCREENSHOTS / "film-refused.png")


def test_a_playback_that_is_over_is_begun_again_unnoticed(visitor: Visitor, film: Video) -> None:
    visitor.expected_statuses.add(401)
    page = visitor.goto(address(film))
    visitor.press("Play")
    plays_past(page, 0.5)
    Playback.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    seeks_to(page, 6.0)
    page.evaluate("document.querySelector('[data-video]').pause()")
    eventually(lambda: Playback.objects.count() == 2)
    page.evaluate("document.querySelector('[data-video]').play()")
    plays_past(page, 6.5)
    expect(page.get_by_role("alert")).to_be_hidden()


def test_the_creator_may_watch_and_others_find_it_withdrawn(visit: Visit, film: Video) -> None:
    move(film.pk, VideoState.ARCHIVED)
    owner, stranger = visit(), visit()
    owner.becomes(film.channel.owner)
    page = owner.goto(address(film))
    owner.sees("Only you can see this page")
    owner.press("Play")
    plays_past(page, 0.3)
    stranger.expected_statuses.add(410)
    stranger.goto(address(film))
    stranger.sees("This film is not shown any more")
    stranger.look("film-withdrawn")


def test_the_film_in_another_sites_page(visitor: Visitor, film: Video) -> None:
    page = visitor.goto(f"/embed/{film.public_id}")
    visitor.press("Play")
    plays_past(page, 0.5)
    visitor.check_access("the embedded player")
    page.screenshot(path=SCREENSHOTS / "film-embedded.png")


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("light", {"color_scheme": "light"}),
        ("phone", {"viewport": {"width": 390, "height": 844}, "has_touch": True, "device_scale_factor": 2}),
        ("phone-light", {"viewport": {"width": 390, "height": 844}, "has_touch": True, "color_scheme": "light"}),
        # A window of 1280 x 800 at 200 %: half as many pixels of CSS, twice as large.
        ("zoomed", {"viewport": {"width": 640, "height": 400}, "device_scale_factor": 2}),
    ],
)
def test_the_player_on_every_screen(visit: Visit, film: Video, name: str, options: dict[str, Any]) -> None:
    visitor = visit(**options)
    page = visitor.goto(address(film))
    visitor.check_access(f"the film's page, {name}")
    page.screenshot(path=SCREENSHOTS / f"film-{name}.png", animations="disabled")
    page.screenshot(path=SCREENSHOTS / f"film-{name}-whole.png", full_page=True, animations="disabled")
    visitor.press("Play")
    plays_past(page, 0.5)
    page.get_by_role("button", name="Settings").click()
    expect(page.locator("[data-settings]")).to_be_visible()
    page.screenshot(path=SCREENSHOTS / f"film-{name}-settings.png", animations="disabled")
    outside = page.evaluate(OUTSIDE)
    assert not outside, f"cannot be reached on this screen: {outside}"
    page.keyboard.press("Escape")
    visitor.check_access(f"the player, {name}")
    page.screenshot(path=SCREENSHOTS / f"film-{name}-playing.png", animations="disabled")
    overflow = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    assert overflow <= 0, f"the page scrolls sideways by {overflow} px"


def test_without_scripts_the_page_says_so(visit: Visit, film: Video) -> None:
    visitor = visit(java_script_enabled=False)
    page = visitor.goto(address(film))
    # Not `sees`: Playwright looks past what stands in a noscript element.
    assert "decrypted in your browser, which needs JavaScript" in page.inner_text("main")
    page.screenshot(path=SCREENSHOTS / "film-no-script.png")


def test_pages_at_the_size_of_a_large_screen(visitor: Visitor, film: Video) -> None:
    for title in ("A", "Clay and Fire", "What the Moss Knows", "x" * 120, "Grandmother's Radio"):
        new_film(film.channel, title=title, is_free=True, subtitles=False)
    page = visitor.goto("/")
    page.set_viewport_size({"width": 1920, "height": 1080})
    page.screenshot(path=SCREENSHOTS / "home-films-large.png", animations="disabled")
    page.locator(".film-card").nth(1).hover()
    expect(page.locator(".cover-preview")).to_be_visible()
    page.goto(address(film))
    page.screenshot(path=SCREENSHOTS / "film-large.png", full_page=True, animations="disabled")
    visitor.goto("/@northlight")
    visitor.look("channel-with-films")


def test_a_connection_that_is_gone_and_comes_back(visitor: Visitor, film: Video) -> None:
    page = visitor.goto(address(film))
    page.route("**/*.m4s", lambda route: route.abort())
    visitor.press("Play")
    expect(page.get_by_role("alert")).to_contain_text("The connection is gone", timeout=PATIENCE_MS)
    visitor.check_access("a connection that is gone")
    page.unroute("**/*.m4s")
    visitor.press("Try again")
    plays_past(page, 0.3)
    expect(page.get_by_role("alert")).to_be_hidden()


def test_the_creator_looks_at_a_film_that_is_being_made(visit: Visit, site: str) -> None:
    channel = make_channel(make_person("nora"))
    film = new_film(channel, VideoState.PROCESSING)
    owner = visit()
    owner.becomes(channel.owner)
    owner.goto(address(film))
    owner.sees("This film is being prepared.")
    owner.look("film-unfinished")
    edition = give_edition(film, is_whole=False)
    Video.objects.filter(pk=film.pk).update(edition=None, next_edition=edition)
    page = owner.goto(address(film))
    owner.sees("You can look at what is ready.")
    owner.press("Play")
    plays_past(page, 0.3)

"""A creator's first film, in a real browser: dropped, uploaded in pieces, processed, published."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from mutoscope.platform.videos.domain.life import VideoState
from mutoscope.platform.videos.models import Upload, Video
from mutoscope.platform.videos.upload import files
from tests.journeys.visitor import Visitor
from tests.people import make_channel, make_person
from tests.platform.videos.process.conftest import places as places
from tests.platform.videos.process.conftest import work_until_ended
from tests.platform.videos.process.sources import X264, make, picture, tone

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def creator(visitor: Visitor, places: Path) -> Visitor:
    """A visitor who is signed in and has a channel."""
    person = make_person()
    make_channel(person)
    visitor.becomes(person)
    return visitor


@pytest.fixture
def film(tmp_path: Path) -> Path:
    return make(tmp_path / "My voyage.mp4", *picture("640x360", "25", 3), *tone(3), *X264, "-c:a", "aac")


def drop(page: Page, *paths: Path) -> None:
    page.locator("[data-choose]").set_input_files([str(path) for path in paths])


def test_a_film_from_the_drop_to_everybody(creator: Visitor, film: Path) -> None:
    page = creator.page
    creator.goto("/studio/")
    expect(page.get_by_text("No films yet.")).to_be_visible()
    creator.look("studio-empty")
    drop(page, film)
    expect(page.get_by_text("Uploaded. It is being processed now.")).to_be_visible()
    link = page.get_by_role("link", name="My voyage")
    expect(link).to_be_visible()
    creator.look("studio-processing")
    link.click()
    expect(page.get_by_text("waiting for a worker")).to_be_visible()
    creator.look("film-processing")
    video = Video.objects.get()
    work_until_ended(video)
    publish = page.get_by_role("button", name="Publish")
    expect(publish).to_be_visible()
    expect(page.locator(".covers button")).to_have_count(5)
    creator.look("film-ready")
    publish.click()
    expect(page.get_by_text("Everybody can find it now.")).to_be_visible()
    video.refresh_from_db()
    assert video.state == VideoState.PUBLISHED


def test_pause_reload_and_go_on_from_where_it_was(creator: Visitor, tmp_path: Path) -> None:
    page = creator.page
    large = tmp_path / "large.mp4"
    large.write_bytes(bytes(range(256)) * 4096 * 24)  # 24 MiB: three pieces
    held: list[Any] = []

    def hold_the_second(route: Any) -> None:
        # The network freezes in the middle: the first piece arrives, the next one never gets an answer.
        if route.request.method == "PATCH" and route.request.headers.get("upload-offset") != "0":
            held.append(route)
        else:
            route.continue_()

    page.route("**/uploads/*", hold_the_second)
    creator.goto("/studio/")
    drop(page, large)
    expect(page.get_by_text(re.compile(r"^33 % of 25"))).to_be_visible()
    page.get_by_role("button", name="Pause").click()
    expect(page.get_by_text("Paused at")).to_be_visible()
    upload = Upload.objects.get()
    assert upload.offset_bytes == 8 * 1024 * 1024
    for route in held:
        route.abort()
    page.unroute("**/uploads/*")
    page.reload()
    offsets: list[str] = []
    page.on("request", lambda request: offsets.append(request.headers.get("upload-offset", "")))
    drop(page, large)
    expect(page.get_by_text("Uploaded. It is being processed now.")).to_be_visible()
    assert "0" not in offsets, "nothing was sent twice"
    upload.refresh_from_db()
    assert upload.state == Upload.State.COMPLETE
    assert Upload.objects.count() == 1
    assert files.path_of(upload.token).read_bytes() == large.read_bytes()


def test_a_file_that_is_no_film_says_so_and_offers_to_retry(creator: Visitor, tmp_path: Path) -> None:
    page = creator.page
    wrong = tmp_path / "novel.mp4"
    wrong.write_text("Call me Ishmael. " * 100)
    creator.goto("/studio/")
    drop(page, wrong)
    expect(page.get_by_text("Uploaded. It is being processed now.")).to_be_visible()
    work_until_ended(Video.objects.get())
    page.get_by_role("link", name="novel").click()
    expect(page.get_by_text("no film that can be read here")).to_be_visible()
    expect(page.get_by_role("button", name="Retry")).to_be_visible()
    creator.look("film-failed")
    page.get_by_role("button", name="Delete this film").click()
    expect(page.get_by_text("No films yet.")).to_be_visible()
    assert not Video.objects.exists()

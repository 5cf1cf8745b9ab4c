"""A creator's first film, in a real browser: dropped, uploaded in pieces, processed, published."""

from __future__ import annotations

import base64
import os
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from django.urls import reverse
from django.utils import timezone
from playwright.sync_api import Page, expect

from mutoscope.platform.videos.domain.life import VideoState
from mutoscope.platform.videos.models import Upload, Video
from mutoscope.platform.videos.process import encode
from mutoscope.platform.videos.upload import files
from tests.journeys.visitor import Visitor
from tests.people import make_channel, make_person
from tests.platform.videos.process.conftest import places as places
from tests.platform.videos.process.conftest import work_until_ended, working
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
    expect(page.get_by_text("This film has no price yet.")).to_be_visible()
    creator.look("film-ready")
    page.get_by_role("link", name="Files").click()
    expect(page.locator(".covers button")).to_have_count(5)
    creator.look("film-files")
    page.get_by_role("link", name="Details").click()
    publish.click()
    expect(
        page.get_by_text("Everybody can find it now. It can be unlocked once it has a price, or with a bundle.")
    ).to_be_visible()
    creator.look("film-without-a-price")
    page.get_by_role("link", name="Set a price, or make it free").click()
    page.get_by_label("Free for everybody").check()
    creator.press("Save")
    creator.sees("Saved.")
    expect(page.get_by_text("No price yet")).to_have_count(0)
    video.refresh_from_db()
    assert video.state == VideoState.PUBLISHED


def test_several_files_dropped_at_once_each_become_a_film(creator: Visitor, tmp_path: Path) -> None:
    page = creator.page
    wanted = {f"reel {number}": os.urandom(200_000 + number) for number in range(1, 5)}
    creator.goto("/studio/")
    expect(page.locator("[data-choose-row]")).to_be_visible()
    dropped = page.evaluate_handle(
        """files => {
          const dropped = new DataTransfer();
          for (const [name, text] of files) {
            const bytes = Uint8Array.from(atob(text), letter => letter.charCodeAt(0));
            dropped.items.add(new File([bytes], `${name}.mp4`, {type: "video/mp4"}));
          }
          return dropped;
        }""",
        [[name, base64.b64encode(content).decode()] for name, content in wanted.items()],
    )
    # Anywhere on the page: a near miss of the frame must not open the film instead.
    page.dispatch_event("footer", "dragover", {"dataTransfer": dropped})
    expect(page.locator("[data-uploads]")).to_have_attribute("data-over", "")
    page.dispatch_event("footer", "drop", {"dataTransfer": dropped})
    expect(page.get_by_text("Uploaded. It is being processed now.")).to_have_count(4)
    for name in wanted:
        expect(page.get_by_role("link", name=name)).to_be_visible()
    creator.look("studio-several")
    kept = {upload.video.title: upload for upload in Upload.objects.select_related("video")}
    assert {name: files.path_of(upload.token).read_bytes() for name, upload in kept.items()} == wanted
    assert {upload.state for upload in kept.values()} == {Upload.State.COMPLETE}


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
    creator.look("studio-uploading")
    page.get_by_role("button", name="Pause").click()
    expect(page.get_by_text("Paused at")).to_be_visible()
    creator.look("studio-paused")
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


def test_progress_is_shown_step_by_step_in_the_studio_and_to_the_operator(
    creator: Visitor, visit: Callable[..., Visitor], places: Path, monkeypatch: pytest.MonkeyPatch, settings: Any
) -> None:
    page = creator.page
    # ffmpeg tells of its progress twice a second: a quick machine is done with a chunk before that.
    settings.VIDEO_PRESET = "slower"
    film = make(
        places / "My long voyage.mp4", *picture("640x480", "25", 30), *tone(30), *X264, "-g", "30", "-c:a", "aac"
    )
    creator.goto("/studio/")
    drop(page, film)
    expect(page.get_by_text("Uploaded. It is being processed now.")).to_be_visible()
    video = Video.objects.get()
    operator = visit()
    operator.becomes(make_person("grace", is_staff=True, is_superuser=True))
    with working(), held_half_way(monkeypatch) as gates:
        page.get_by_role("link", name="My long voyage").click()
        for gate, label, words in (
            ("fast lane", "Preview", "Encoding the first renditions and the sound"),
            ("chunk", "All renditions", "Encoding 480p"),
        ):
            assert gates[gate].reached.wait(60), f"the {gate} was never half done"
            assert gates[gate].share < 1, "it tells of itself while it is at work, not when it is done"
            expect(page.locator("#film-words")).to_contain_text(re.compile(rf"{words}, \d+ %"))
            now = page.locator(".steps [aria-current]")
            expect(now).to_contain_text(re.compile(rf"{label}\s*\d+ ?%"))
            creator.look(f"film-processing-{gate.replace(' ', '-')}")
            operator.goto(reverse("admin:tasks_run_change", args=[video.run_id]))
            operator.sees(words.removeprefix("Encoding "))
            operator.look(f"operator-run-{gate.replace(' ', '-')}", is_ours=False)
            if gate == "fast lane":
                expect(page.get_by_role("link", name="Watch what is there")).to_be_visible()
                page.goto("/studio/")
                expect(page.get_by_role("progressbar", name="My long voyage")).to_be_visible()
                creator.look("studio-making")
                page.get_by_role("link", name="My long voyage").click()
            gates[gate].released.set()
        expect(page.get_by_role("button", name="Publish")).to_be_visible()
    assert operator.page.url.endswith(f"/run/{video.run_id}/change/")
    expect(operator.page.locator(".run-state")).to_have_text("succeeded")


@dataclass
class Gate:
    reached: threading.Event = field(default_factory=threading.Event)
    released: threading.Event = field(default_factory=threading.Event)
    share: float = 0.0


@contextmanager
def held_half_way(monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, Gate]]:
    """The fast lane and the first chunk go on only when they are let, once a part of their frames is there."""
    gates = {"fast lane": Gate(), "chunk": Gate()}
    watching = encode._watching

    def held(collector: encode.Collector, frames: int, report: encode.Report) -> Callable[[str], None]:
        gate = gates["fast lane" if "audio-0" in collector.binders else "chunk"]
        line = watching(collector, frames, report)
        made = 0

        def pass_on(text: str) -> None:
            nonlocal made
            line(text)
            key, _, value = text.partition("=")
            made = int(value) if key == "frame" else made
            if key == "progress" and made > frames // 3 and not gate.reached.is_set():
                gate.share = made / frames
                gate.reached.set()
                gate.released.wait()

        return pass_on

    monkeypatch.setattr(encode, "_watching", held)
    try:
        yield gates
    finally:
        for gate in gates.values():
            gate.released.set()


def test_a_file_that_cannot_be_taken_says_why_and_is_put_aside(creator: Visitor, tmp_path: Path) -> None:
    page = creator.page
    empty, other = tmp_path / "empty.mp4", tmp_path / "other.mp4"
    empty.touch()
    other.write_bytes(os.urandom(200_000))
    creator.goto("/studio/")
    drop(page, empty)
    row = page.locator(".upload")
    expect(row).to_contain_text("This file is empty: there is nothing to upload.")
    expect(row).to_have_class("upload upload-failed")
    # Nothing that would not help.
    for name in ("Pause", "Resume"):
        expect(row.get_by_role("button", name=name)).to_have_count(0)
    creator.look("studio-file-refused")
    row.get_by_role("button", name="Hide empty.mp4").click()
    expect(row).to_have_count(0)

    # What the server refuses is no better for another try.
    creator.expected_statuses.add(403)
    page.route("**/uploads/", lambda route: route.fulfill(status=403, json={"detail": "Your channel has no room."}))
    drop(page, other)
    expect(row).to_contain_text("Your channel has no room.")
    expect(row.get_by_role("button", name="Resume")).to_have_count(0)
    page.unroute("**/uploads/")
    with page.expect_file_chooser() as chooser:
        row.get_by_role("button", name="Choose another").click()
    chooser.value.set_files(str(other))
    expect(page.get_by_text("Uploaded. It is being processed now.")).to_be_visible()
    expect(row).to_have_count(1)
    assert Video.objects.get().title == "other"


def drop_no_film(creator: Visitor, folder: Path) -> Path:
    wrong = folder / "novel.mp4"
    wrong.write_text("Call me Ishmael. " * 100)
    creator.goto("/studio/")
    drop(creator.page, wrong)
    expect(creator.page.get_by_text("Uploaded. It is being processed now.")).to_be_visible()
    return wrong


def test_a_file_that_is_no_film_says_so_and_offers_to_retry(creator: Visitor, tmp_path: Path) -> None:
    page = creator.page
    drop_no_film(creator, tmp_path)
    row = page.locator(".upload")
    work_until_ended(Video.objects.get())
    # The page learns it by itself, where the file was dropped.
    expect(row).to_contain_text("This film could not be made. This file is no film that can be read here")
    expect(row).to_have_class("upload upload-failed")
    expect(row.get_by_role("button", name="Resume")).to_have_count(0)
    creator.look("studio-failed")
    row.get_by_role("link", name="Open its page").click()
    expect(page.get_by_text("no film that can be read here")).to_be_visible()
    expect(page.get_by_role("button", name="Retry")).to_be_visible()
    creator.look("film-failed")
    page.get_by_role("button", name="Delete this film").click()
    creator.look("film-delete")
    creator.press("Delete it")
    expect(page.get_by_text("No films yet.")).to_be_visible()
    assert not Video.objects.exists()


def test_another_file_takes_the_place_of_a_film_that_only_its_creator_saw(
    creator: Visitor, tmp_path: Path, film: Path
) -> None:
    page = creator.page
    creator.goto("/studio/")
    drop(page, film)
    expect(page.get_by_text("Uploaded. It is being processed now.")).to_be_visible()
    video = Video.objects.get()
    work_until_ended(video)
    Video.objects.update(title="A whale")
    before = Video.objects.get()
    creator.goto(f"/studio/films/{video.public_id}/files/")
    page.get_by_role("link", name="Upload another file").click()
    expect(page.get_by_text("Drop it anywhere on this page")).to_be_visible()
    longer = make(tmp_path / "longer.mp4", *picture("640x360", "25", 5), *X264)
    with page.expect_file_chooser() as chooser:
        page.get_by_text("Choose a file").click()
    chooser.value.set_files(str(longer))
    expect(page.get_by_text("Uploaded. It is being processed now.")).to_be_visible()
    work_until_ended(Video.objects.get())
    expect(page.locator(".upload")).to_contain_text("Ready. Only you can see it until you publish it.")
    after = Video.objects.get()
    assert (after.pk, after.title) == (video.pk, "A whale")
    assert after.edition_id != before.edition_id
    assert after.original != before.original
    assert (after.duration_ms or 0) > (before.duration_ms or 0)


def test_another_file_takes_the_place_of_one_that_failed(creator: Visitor, tmp_path: Path, film: Path) -> None:
    page = creator.page
    wrong = drop_no_film(creator, tmp_path)
    video = Video.objects.get()
    work_until_ended(video)
    # What was written about it stays.
    Video.objects.update(title="A whale", description="Chapter one.")
    creator.goto(f"/studio/films/{video.public_id}/")
    page.get_by_role("link", name="Upload another file").click()
    expect(page.get_by_role("heading", name="Another file for “A whale”")).to_be_visible()
    creator.look("film-another-file")
    # Refused, it goes on asking.
    creator.expected_statuses.add(403)
    page.route("**/uploads/", lambda route: route.fulfill(status=403, json={"detail": "Your channel has no room."}))
    drop(page, film)
    expect(page.get_by_text("Your channel has no room.")).to_be_visible()
    page.unroute("**/uploads/")
    with page.expect_file_chooser() as chooser:
        page.get_by_role("button", name="Choose another").click()
    chooser.value.set_files(str(film))
    expect(page.get_by_text("Uploaded. It is being processed now.")).to_be_visible()
    expect(page.get_by_text("Choose a file")).to_be_hidden()
    expect(page.get_by_text("Drop it anywhere on this page")).to_be_hidden()
    again = Video.objects.get()
    assert (again.pk, again.title, again.description) == (video.pk, "A whale", "Chapter one.")
    assert again.original_bytes == film.stat().st_size
    work_until_ended(again)
    expect(page.locator(".upload")).to_contain_text("Ready. Only you can see it until you publish it.")
    # The next file is a film of its own.
    drop(page, wrong)
    expect(page.locator(".film-row")).to_have_count(2)
    # Nobody's film, or one that others could see, asks for no other file.
    Video.objects.filter(pk=video.pk).update(state="published", published_at=timezone.now())
    for public_id in (video.public_id, "aaaaaaaaaaaa"):
        creator.goto(f"/studio/?film={public_id}")
        expect(page.get_by_role("heading", name="Add films")).to_be_visible()

"""Uploads through everything that happens to a laptop: by the studio's own page, and by Uppy on somebody else's."""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, Request, expect

from mutoscope.platform.accounts.models import Person
from mutoscope.platform.videos.models import Upload
from mutoscope.platform.videos.upload import appending, files
from tests.journeys import node_modules
from tests.journeys.relay import Relay
from tests.journeys.visitor import Visitor
from tests.people import make_channel, make_person
from tests.platform.videos.process.conftest import places as places
from tests.platform.videos.upload.test_real_server import eventually, web_server

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

MIB = appending.BLOCK_BYTES
PAGE = """<!doctype html><title>Somebody's own page</title><input type="file" id="file"><p id="words"></p>
<script type="module">
import { Uppy } from "%(core)s";
import Tus from "%(tus)s";
const token = document.cookie.match(/%(cookie)s=([^;]+)/)[1];
const words = document.getElementById("words");
window.uppy = new Uppy({ autoProceed: true }).use(Tus, {
  endpoint: "/uploads/", chunkSize: %(chunk)d, allowedMetaFields: ["name"], headers: { "X-CSRFToken": token },
});
uppy.on("complete", (result) => { if (result.successful.length) words.textContent = "Done"; });
document.getElementById("file").addEventListener("change", (event) => {
  const file = event.target.files[0];
  uppy.addFile({ name: file.name, type: file.type, data: file });
});
</script>"""


@pytest.fixture
def creator() -> Person:
    person = make_person()
    make_channel(person)
    return person


def film_of(folder: Path, length: int) -> Path:
    path = folder / "voyage.mp4"
    path.write_bytes(os.urandom(length))
    return path


def test_another_network_and_a_server_that_dies_in_the_middle_of_a_piece(
    visit: Callable[..., Visitor], creator: Person, tmp_path: Path, settings: Any
) -> None:
    film = film_of(tmp_path, 10 * MIB + 12_345)
    (tmp_path / "static").mkdir()
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
    relay = Relay(port, "127.0.0.2")
    try:
        visitor = visit(base_url=relay.origin)
        visitor.becomes(creator)
        with web_server(tmp_path, port, settings):
            page = visitor.goto("/studio/")
            expect(page.locator("[data-choose-row]")).to_be_visible()
            offsets = offsets_of(page)
            relay.hold_after(3 * MIB)
            page.locator("[data-choose]").set_input_files(str(film))
            assert relay.held.wait(60), "no bytes came"
            eventually(lambda: Upload.objects.get().offset_bytes >= 2 * MIB, "two blocks on the disk")
        # The server is killed, the laptop is carried elsewhere.
        upload = Upload.objects.get()
        kept = upload.offset_bytes
        assert kept < 3 * MIB
        relay.changes_to("127.0.0.3")
        with web_server(tmp_path, port, settings):
            expect(page.get_by_text("Uploaded. It is being processed now.")).to_be_visible()
            page.goto("about:blank")
    finally:
        relay.close()
    upload.refresh_from_db()
    assert upload.state == Upload.State.COMPLETE
    lying = tmp_path / "uploads" / upload.token[:2] / upload.token
    assert lying.read_bytes() == film.read_bytes()
    assert relay.carried["127.0.0.2"] >= kept
    assert relay.carried["127.0.0.3"] >= film.stat().st_size - kept
    assert offsets.count(0) == 1, "what is on the disk is not sent again"
    assert offsets[1] == kept
    # The list of films asked how it stands while there was no server.
    visitor.troubles[:] = [trouble for trouble in visitor.troubles if "htmx:" not in trouble]


def test_uppy_pauses_reloads_goes_offline_and_goes_on(
    visitor: Visitor, creator: Person, places: Path, tmp_path: Path, settings: Any
) -> None:
    film = film_of(tmp_path, 4 * MIB + 12_345)
    page = visitor.page
    words = {
        "core": node_modules.address("@uppy/core"),
        "tus": node_modules.address("@uppy/tus"),
        "cookie": settings.CSRF_COOKIE_NAME,
        "chunk": MIB,
    }
    node_modules.serve(page.context)
    page.route("**/elsewhere", lambda route: route.fulfill(body=PAGE % words, content_type="text/html"))
    offsets = offsets_of(page)
    visitor.becomes(creator)
    visitor.goto("/studio/")  # where the cookie against forged requests comes from

    held = hold(page, from_offset=2 * MIB)
    open_and_choose(page, film)
    wait_for(page, held)
    page.evaluate("uppy.pauseAll()")
    for route in held:
        route.abort()
    page.unroute("**/uploads/*")
    upload = Upload.objects.get()
    assert upload.offset_bytes == 2 * MIB
    # The laptop is closed, and opened again without a network.
    held = hold(page, from_offset=3 * MIB)
    open_and_choose(page, film)
    wait_for(page, held)
    page.context.set_offline(True)
    for route in held:
        route.abort("internetdisconnected")
    page.unroute("**/uploads/*")
    page.context.set_offline(False)
    expect(page.locator("#words")).to_have_text("Done")
    assert offsets.count(0) == 1, "nothing was sent twice"
    assert sorted(set(offsets)) == [0, MIB, 2 * MIB, 3 * MIB, 4 * MIB]
    upload.refresh_from_db()
    assert upload.state == Upload.State.COMPLETE
    assert upload.file_name == "voyage.mp4"
    assert Upload.objects.count() == 1
    assert files.path_of(upload.token).read_bytes() == film.read_bytes()


def offsets_of(page: Page) -> list[int]:
    """Where each request of the page that adds to an upload begins, as they come."""
    offsets: list[int] = []

    def notice(request: Request) -> None:
        if request.method == "PATCH":
            offsets.append(int(request.headers["upload-offset"]))

    page.on("request", notice)
    return offsets


def open_and_choose(page: Page, film: Path) -> None:
    page.goto("/elsewhere")
    page.wait_for_function("() => window.uppy")
    page.locator("#file").set_input_files(str(film))


def wait_for(page: Page, held: list[Any]) -> None:
    """Until something is held: by the page, since requests are noticed while Playwright is at work alone."""
    deadline = time.monotonic() + 60
    while not held:
        assert time.monotonic() < deadline, "nothing was sent"
        page.wait_for_timeout(50)


def hold(page: Page, *, from_offset: int) -> list[Any]:
    """The network freezes: requests that would add from there on get no answer. What is held."""
    held: list[Any] = []

    def answer(route: Any) -> None:
        if route.request.method == "PATCH" and int(route.request.headers["upload-offset"]) >= from_offset:
            held.append(route)
        else:
            route.continue_()

    page.route("**/uploads/*", answer)
    return held

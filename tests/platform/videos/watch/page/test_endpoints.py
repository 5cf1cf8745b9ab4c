"""A film's page in each of its states, and what other sites are told."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from django.test import Client
from django.utils.html import escape

from mutoscope.platform.accounts.public import Channel
from mutoscope.platform.videos.domain.life import VideoState
from mutoscope.platform.videos.models import Video
from mutoscope.platform.videos.watch.page.endpoints import parse_moment
from tests.people import make_channel, make_person
from tests.platform.videos.films import new_video

pytestmark = pytest.mark.django_db


@pytest.fixture
def channel() -> Channel:
    return make_channel(make_person("nora"))


def signed_in(channel: Channel) -> Client:
    client = Client()
    client.force_login(channel.owner)
    return client


def test_there_is_one_address_for_a_film(channel: Channel, client: Client) -> None:
    film = new_video(channel, VideoState.PUBLISHED, "The Salt Road")
    right = f"/watch/{film.public_id}/the-salt-road"
    assert client.get(right).status_code == 200
    for other in (
        f"/watch/{film.public_id}",
        f"/watch/{film.public_id}/",
        f"/watch/{film.public_id}/another",
        right + "/",
    ):
        answer = client.get(other + "?t=90")
        assert (answer.status_code, answer["Location"]) == (301, f"{right}?t=90"), other
    for wrong in (
        "/watch/abc",
        "/watch/bcdfghjkmnpq",
        f"/watch/{film.public_id.upper()}",
        f"/watch/{film.public_id}/a/b",
    ):
        assert client.get(wrong).status_code == 404, wrong


def test_a_title_without_latin_letters_has_an_address_too(channel: Channel, client: Client) -> None:
    film = new_video(channel, VideoState.PUBLISHED, "\u041f\u0443\u0442\u044c")
    assert client.get(f"/watch/{film.public_id}").status_code == 200


# Who finds what at a film's address: (its creator, anybody else).
STATES = {
    VideoState.DRAFT: (200, 404),
    VideoState.UPLOADING: (200, 404),
    VideoState.PROCESSING: (200, 404),
    VideoState.FAILED: (200, 404),
    VideoState.READY: (200, 404),
    VideoState.PUBLISHED: (200, 200),
    VideoState.UNLISTED: (200, 200),
    VideoState.ARCHIVED: (200, 404),
}


@pytest.mark.parametrize("state", STATES)
def test_each_state_has_a_page_for_whom_it_concerns(channel: Channel, client: Client, state: VideoState) -> None:
    film = new_video(channel, state)
    address = f"/watch/{film.public_id}/a-voyage"
    got = (signed_in(channel).get(address).status_code, client.get(address).status_code)
    assert got == STATES[state]


def test_a_film_that_was_shown_and_is_not_any_more_is_gone(channel: Channel, client: Client) -> None:
    film = new_video(channel, VideoState.ARCHIVED)
    Video.objects.filter(pk=film.pk).update(published_at=film.created_at)
    answer = client.get(f"/watch/{film.public_id}/a-voyage")
    assert answer.status_code == 410
    assert film.title not in answer.content.decode()


def test_only_the_player_may_style_itself_and_only_the_embedded_page_be_framed(
    channel: Channel, client: Client
) -> None:
    film = new_video(channel, VideoState.PUBLISHED)
    page = client.get(f"/watch/{film.public_id}/a-voyage")
    assert "style-src 'self' 'unsafe-inline'" in page["Content-Security-Policy"]
    assert "frame-ancestors 'none'" in page["Content-Security-Policy"]
    assert page["X-Frame-Options"] == "DENY"
    framed = client.get(f"/embed/{film.public_id}")
    assert "frame-ancestors *" in framed["Content-Security-Policy"]
    assert "X-Frame-Options" not in framed
    assert "unsafe-inline" not in client.get("/")["Content-Security-Policy"]
    assert "script-src" in framed["Content-Security-Policy"]
    assert "'unsafe-inline'" not in re.findall(r"script-src[^;]*", framed["Content-Security-Policy"])[0]


def test_other_sites_and_search_engines_are_told(channel: Channel, client: Client) -> None:
    title = 'Road </script><script>alert(1)</script> & "quotes"'
    film = new_video(channel, VideoState.PUBLISHED, title)
    page = client.get(f"/watch/{film.public_id}/{film.slug()}").content.decode()
    assert f'<meta property="og:title" content="{escape(title)}">' in page
    assert "<script>alert(1)" not in page
    (schema,) = re.findall(r'<script type="application/ld\+json">(.*?)</script>', page)
    document = json.loads(schema)
    assert document["@type"] == "VideoObject"
    assert document["name"] == title
    assert document["duration"] == "PT0H0M10S"
    assert document["embedUrl"].endswith(f"/embed/{film.public_id}")
    (oembed,) = re.findall(r'type="application/json\+oembed" href="([^"]+)"', page)
    path = "/" + oembed.replace("&amp;", "&").split("/", 3)[3]
    answer = client.get(path)
    assert answer.json()["title"] == title
    assert f"/embed/{film.public_id}" in answer.json()["html"]
    assert "<script" not in answer.json()["html"]


def test_an_unlisted_film_is_not_for_search_engines(channel: Channel, client: Client) -> None:
    film = new_video(channel, VideoState.UNLISTED)
    page = client.get(f"/watch/{film.public_id}/a-voyage").content.decode()
    assert '<meta name="robots" content="noindex">' in page
    assert "A voyage" not in client.get("/").content.decode()


@pytest.mark.parametrize(
    ("text", "milliseconds"),
    [("90", 90_000), ("90s", 90_000), ("1m30s", 90_000), ("1h2m3s", 3_723_000), ("2h", 7_200_000), ("0", 0),
     ("", None), ("NaN", None), ("-5", None), ("1e9", None), ("9" * 40, None), ("1s2m", None), ("\u0661", None)],
)  # fmt: skip
def test_a_moment_in_an_address(text: str, milliseconds: int | None) -> None:
    assert parse_moment(text) == milliseconds


@pytest.mark.parametrize("moment", ["NaN", "-1", "9" * 400, "%00", "1e400", "<script>"])
def test_a_hostile_moment_is_the_beginning(channel: Channel, client: Client, moment: str) -> None:
    film = new_video(channel, VideoState.PUBLISHED)
    assert client.get(f"/watch/{film.public_id}/a-voyage?t={moment}").status_code in (200, 400)


@pytest.mark.parametrize(
    ("bounds", "size"),
    [({}, (960, 540)), ({"maxwidth": "480"}, (480, 270)), ({"maxheight": "270"}, (480, 270)), ({"maxwidth": "9999"}, (960, 540)),
     ({"maxwidth": "-1"}, (960, 540)), ({"maxwidth": "nan"}, (960, 540)), ({"maxwidth": "0"}, (960, 540)),
     ({"maxwidth": "1"}, (1, 1)), ({"maxwidth": "9" * 99}, (960, 540)), ({"maxwidth": "640", "maxheight": "90"}, (160, 90))],
)  # fmt: skip
def test_an_embedded_film_fits(channel: Channel, client: Client, bounds: dict[str, str], size: tuple[int, int]) -> None:
    film = new_video(channel, VideoState.PUBLISHED)
    answer: Any = client.get("/oembed", {"url": f"http://localhost:8000/watch/{film.public_id}/x", **bounds})
    assert (answer.json()["width"], answer.json()["height"]) == size
    assert answer["Access-Control-Allow-Origin"] == "*"


def test_oembed_knows_only_public_films_of_this_site(channel: Channel, client: Client) -> None:
    film, hidden = new_video(channel, VideoState.PUBLISHED), new_video(channel, VideoState.READY)
    site = "http://localhost:8000"
    for url in (
        "", "x", f"https://evil.example/watch/{film.public_id}", f"{site}/watch/{hidden.public_id}", f"{site}/", f"{site}/watch/x",
        f"{site}.evil.example/watch/{film.public_id}", f"{site}@evil.example/watch/{film.public_id}", "http://[", "//",
        f"/watch/{film.public_id}",
    ):  # fmt: skip
        assert client.get("/oembed", {"url": url}).status_code == 404, url
    known = f"{site}/watch/{film.public_id}"
    assert client.get("/oembed", {"url": known, "format": "xml"}).status_code == 501
    assert client.get(f"/embed/{hidden.public_id}").status_code == 404

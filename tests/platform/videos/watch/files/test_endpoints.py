"""Published files over HTTP: types, ranges, caching, other sites; and no way out of a film's folder."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from mutoscope.platform.videos.domain.life import VideoState
from mutoscope.platform.videos.models import Edition, Piece, Video
from tests.people import make_channel, make_person
from tests.platform.videos.watch.screenings import new_film

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("films_folder")]


@pytest.fixture
def film() -> Video:
    return new_film(make_channel(make_person("nora")))


@pytest.fixture
def edition(film: Video) -> Edition:
    assert film.edition
    return film.edition


def get(path: str, **headers: str) -> tuple[Any, bytes]:
    answer: Any = Client().get(path, headers=headers)
    content = b"".join(answer.streaming_content) if answer.streaming else answer.content
    return answer, content


def segment(edition: Edition) -> str:
    file = Piece.objects.get(edition=edition, stream="144p").segments[0][0]
    return f"/films/{edition.folder()}/144p/{file}"


def test_a_segment_may_be_kept_by_anybody_for_ever(edition: Edition) -> None:
    answer, content = get(segment(edition))
    assert answer.status_code == 200
    assert answer["Content-Type"] == "video/iso.segment"
    assert answer["Cache-Control"] == "public, max-age=31536000, immutable"
    assert answer["Access-Control-Allow-Origin"] == "*"
    assert answer["Cross-Origin-Resource-Policy"] == "cross-origin"
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert int(answer["Content-Length"]) == len(content) > 1000
    assert "Set-Cookie" not in answer
    assert "Vary" not in answer or "Cookie" not in answer["Vary"]
    again, _ = get(segment(edition), **{"If-None-Match": answer["ETag"]})
    assert again.status_code == 304


@pytest.mark.parametrize(
    ("header", "status", "slice_"),
    [
        ("bytes=0-99", 206, slice(0, 100)),
        ("bytes=100-", 206, slice(100, None)),
        ("bytes=-100", 206, slice(-100, None)),
        ("bytes=5-4", 200, slice(None)),
        ("bytes=0-1,3-4", 200, slice(None)),
        ("nonsense", 200, slice(None)),
        ("bytes=99999999-", 416, None),
    ],
)
def test_a_part_of_a_file(edition: Edition, header: str, status: int, slice_: slice | None) -> None:
    whole = get(segment(edition))[1]
    answer, content = get(segment(edition), Range=header)
    assert answer.status_code == status
    if slice_ is None:
        assert answer["Content-Range"] == f"bytes */{len(whole)}"
    else:
        assert content == whole[slice_]
        assert int(answer["Content-Length"]) == len(content)
    if status == 206:
        first = whole.index(content) if len(content) < len(whole) else 0
        assert answer["Content-Range"] == f"bytes {first}-{first + len(content) - 1}/{len(whole)}"


def test_a_part_of_what_has_changed_is_the_whole(edition: Edition) -> None:
    answer, _ = get(segment(edition), **{"Range": "bytes=0-9", "If-Range": '"another"'})
    assert answer.status_code == 200


def test_a_head_says_how_long_and_sends_nothing(edition: Edition) -> None:
    answer = Client().head(segment(edition))
    assert answer.content == b""
    assert int(answer["Content-Length"]) == len(get(segment(edition))[1])


def test_playlists_hold_together(film: Video, edition: Edition) -> None:
    root = f"/films/{edition.folder()}"
    answer, content = get(f"{root}/main.m3u8")
    assert answer["Content-Type"] == "application/vnd.apple.mpegurl"
    text = content.decode()
    assert text.count("#EXT-X-STREAM-INF") == 2
    assert "TYPE=AUDIO," in text
    assert text.count("TYPE=SUBTITLES,") == 2
    named = [*re.findall(r'URI="([^"]+)"', text), *(line for line in text.splitlines() if line and line[0] != "#")]
    for each in named:
        if each.startswith("iframes/"):
            continue
        answer, content = get(f"{root}/{each}")
        assert answer.status_code == 200, each
        for file in [line for line in content.decode().splitlines() if line and line[0] != "#"]:
            folder = each.rpartition("/")[0]
            assert get(f"{root}/{folder}/{file}")[0].status_code == 200, file


def test_a_film_that_is_being_made_has_a_playlist_that_grows(film: Video, edition: Edition) -> None:
    Edition.objects.filter(pk=edition.pk).update(whole_at=None)
    answer, content = get(f"/films/{edition.folder()}/144p/playlist.m3u8")
    assert b"PLAYLIST-TYPE:EVENT" in content
    assert b"ENDLIST" not in content
    assert answer["Cache-Control"] == "public, max-age=2"


def test_no_address_leads_out_of_the_film(film: Video, edition: Edition, films_folder: Path) -> None:
    (films_folder.parent / "secret.mp4").write_text("secret")
    (films_folder / film.public_id / ".aside-1.mp4").write_text("secret")
    (films_folder / film.public_id / "note.txt").write_text("secret")
    for path in (
        "../secret.mp4",
        "..%2fsecret.mp4",
        "%2e%2e/secret.mp4",
        f"{edition.token}/../../../secret.mp4",
        "x/..../secret.mp4",
        "/secret.mp4",
        ".aside-1.mp4",
        "note.txt",
        "a/b/c/d/e.mp4",
        "covers/",
        "covers",
        f"{edition.token}",
        f"{edition.token}/{'x' * 300}.mp4",
        f"{edition.token}/subtitles/1e3.vtt",
        f"{edition.token}/subtitles/{'9' * 40}.vtt",
        f"{edition.token}/subtitles/0.m3u8",
        f"{edition.token}/nothing/playlist.m3u8",
        f"{'b' * 24}/main.m3u8",
        "secret%00.mp4",
    ):
        answer, content = get(f"/films/{film.public_id}/{path}")
        assert answer.status_code in (400, 404), path
        assert b"secret\n" != content != b"secret"


def test_another_films_edition_is_not_found_below_this_one(film: Video, edition: Edition) -> None:
    other = new_film(film.channel, VideoState.READY, title="Other")
    assert get(f"/films/{other.public_id}/{edition.token}/main.m3u8")[0].status_code == 404

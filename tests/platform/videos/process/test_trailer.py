"""What those who have not paid may see: decoded, and counted."""

from __future__ import annotations

import hashlib
import json
import subprocess
from itertools import pairwise
from pathlib import Path

import pytest
from django.core.files.storage import storages
from django.test import Client

from mutoscope.platform.videos.domain.life import VideoState
from mutoscope.platform.videos.domain.trailers import BadMoment, check_clip, cuts, parse_moment
from mutoscope.platform.videos.models import Edition
from mutoscope.platform.videos.process import ffmpeg, sweeping
from tests.platform.videos.process.conftest import Maker, hours_later, working
from tests.platform.videos.process.sources import X264, make, picture, tone
from tests.platform.videos.upload.test_real_server import eventually

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.mark.parametrize(("film_s", "frames"), [(6, 20), (36, 90)])
def test_a_trailer_is_short_small_silent_and_in_the_clear(
    make_film: Maker, tmp_path: Path, film_s: int, frames: int
) -> None:
    film = make(
        tmp_path / "film.mp4", *picture("640x480", "10", film_s), *tone(film_s), *X264, "-c:a", "aac", "-shortest"
    )
    video = make_film(film)
    assert video.state == VideoState.READY, video.state_reason
    assert video.edition is not None
    path = Path(storages["films"].path(f"{video.edition.folder()}/{video.edition.trailer_file}"))
    data = path.read_bytes()
    assert data.index(b"moov") < data.index(b"mdat"), "a browser has to fetch all of it before it plays"
    told = subprocess.run(
        [ffmpeg.program(), "-hide_banner", "-i", path, "-f", "null", "-"], capture_output=True, text=True, check=True
    ).stderr
    assert "480x360" in told
    assert "Audio:" not in told
    assert told.rsplit("frame=", 1)[1].split()[0] == str(frames)


@pytest.mark.parametrize("film_s", [0.04, 1, 12, 29.9, 30, 90, 7200])
def test_a_trailer_never_gives_away_more_than_a_third(film_s: float) -> None:
    taken = cuts(film_s)
    assert sum(length_s for _, length_s in taken) <= film_s / 3
    assert all(begin_s + length_s <= film_s for begin_s, length_s in taken)
    assert all(first[0] + first[1] <= second[0] for first, second in pairwise(taken))


def test_its_creator_cuts_the_trailer_or_has_none(make_film: Maker, tmp_path: Path) -> None:
    video = make_film(make(tmp_path / "film.mp4", *picture("320x180", "10", 6), *X264))
    edition = video.edition
    assert edition is not None
    root = Path(storages["films"].path(edition.folder()))
    studio = Client()
    studio.force_login(video.channel.owner)
    address = f"/studio/films/{video.public_id}/trailer/"
    refused = studio.post(address, {"trailer": "own", "begins": "0:04", "ends": "0:09"})
    assert refused.status_code == 422
    assert "behind the end of the film" in refused.content.decode()

    def made(**chosen: str) -> str:
        before = edition.trailer_file
        assert studio.post(address, chosen).status_code == 302
        with working():
            eventually(lambda: _fresh(edition).trailer_file != before, "another trailer")
        left = {path.name for path in root.glob("trailer-*")}
        assert left == ({edition.trailer_file} if edition.trailer_file else set()), "the earlier one is gone"
        manifest = (root / "manifest.json").read_bytes()
        assert hashlib.sha256(manifest).hexdigest() == edition.manifest_sha256
        listed = {entry["path"] for entry in json.loads(manifest)["files"]}
        assert listed == {str(path.relative_to(root)) for path in root.rglob("*") if path.is_file()} - {"manifest.json"}
        return edition.trailer_file

    own = made(trailer="own", begins="0:01.5", ends="4")
    told = subprocess.run(
        [ffmpeg.program(), "-hide_banner", "-i", root / own, "-f", "null", "-"],
        capture_output=True,
        text=True,
        check=True,
    ).stderr
    assert told.rsplit("frame=", 1)[1].split()[0] == "25"
    page = studio.get(f"/studio/films/{video.public_id}/files/").content.decode()
    assert 'value="0:01"' in page or 'value="0:01.5"' in page
    assert made(trailer="none") == ""
    with hours_later():
        assert sweeping.sweep.func() == 0


def _fresh(edition: Edition) -> Edition:
    edition.refresh_from_db()
    return edition


@pytest.mark.parametrize(
    ("text", "ms"), [("0", 0), ("90", 90_000), ("1:30", 90_000), (" 1:02:03 ", 3_723_000), ("12.5", 12_500)]
)
def test_a_moment_is_written_as_people_write_it(text: str, ms: int) -> None:
    assert parse_moment(text) == ms


@pytest.mark.parametrize("text", ["", "-1", "1:60", "1:60:00", "one", "1:2:3:4", "٣", "1e3"])
def test_what_is_no_moment_is_refused(text: str) -> None:
    with pytest.raises(BadMoment, match="Write a moment"):
        parse_moment(text)


@pytest.mark.parametrize(("begin_ms", "end_ms"), [(0, 0), (5000, 4000), (0, 999), (0, 200_000), (0, 700_000)])
def test_a_clip_that_cannot_be_cut_is_refused(begin_ms: int, end_ms: int) -> None:
    with pytest.raises(BadMoment):
        check_clip(begin_ms, end_ms, 600_000)

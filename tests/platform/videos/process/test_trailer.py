"""What those who have not paid may see: decoded, and counted."""

from __future__ import annotations

import subprocess
from itertools import pairwise
from pathlib import Path

import pytest
from django.core.files.storage import storages

from mutoscope.platform.videos.domain.life import VideoState
from mutoscope.platform.videos.process import ffmpeg
from mutoscope.platform.videos.process.trailer import cuts
from tests.platform.videos.process.conftest import Maker
from tests.platform.videos.process.sources import X264, make, picture, tone

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

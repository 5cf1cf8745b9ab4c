"""A film that is damaged in its middle or ends too early: made with a note where little is lost, refused once where much is."""

from __future__ import annotations

import random
import shutil
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from mutoscope.engines.tasks.models import FinishedTask
from mutoscope.engines.tasks.queue.backend import backend_of
from mutoscope.engines.tasks.queue.metrics import dead_letters
from mutoscope.platform.videos.domain.life import VideoState
from mutoscope.platform.videos.models import Video
from tests.platform.videos.process import shown
from tests.platform.videos.process.conftest import Maker
from tests.platform.videos.process.sources import X264, make, picture, tone

pytestmark = pytest.mark.django_db(transaction=True)

SECONDS = 24
Wound = Callable[[bytes], bytes]


def overwritten(data: bytes, *, part: float, with_zeros: bool, at: float = 0.5) -> bytes:
    begin = int(len(data) * (at - part / 2))
    end = begin + int(len(data) * part)
    filling = bytes(end - begin) if with_zeros else random.Random(1).randbytes(end - begin)
    return data[:begin] + filling + data[end:]


def cut_short(data: bytes, *, part: float) -> bytes:
    return data[: int(len(data) * (1 - part))]


@pytest.fixture(scope="module")
def healthy(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """A film of 24 s with sound, its top rendition one that is copied, in the container that is asked for."""
    folder, codec = tmp_path_factory.mktemp("healthy"), {"hevc": "libx265"}

    def film(kind: str) -> Path:
        container, name = kind.split()
        path = folder / f"{name}.{container}"
        if not path.exists():
            pictures = [*X264, "-crf", "38"] if name not in codec else ["-c:v", codec[name], "-preset", "ultrafast"]
            index_first = ["-movflags", "+faststart"] if container == "mp4" else []
            make(path, *picture("854x480", "25", SECONDS), *tone(SECONDS), *pictures, "-g", "50", *index_first)
        return path

    return film


def damaged(film: Path, folder: Path, wound: Wound) -> Path:
    path = folder / film.name
    path.write_bytes(wound(film.read_bytes()))
    return path


def nobody_is_alarmed() -> bool:
    return dead_letters(backend_of()) == {}


LITTLE = partial(overwritten, part=0.02)


@pytest.mark.parametrize(
    ("kind", "with_zeros"), [("mp4 h264", True), ("mp4 h264", False), ("mp4 hevc", False), ("mkv h264", False)]
)
def test_a_little_damage_is_passed_over_and_its_creator_told_where(
    make_film: Maker, healthy: Callable[[str], Path], tmp_path: Path, kind: str, with_zeros: bool
) -> None:
    video = make_film(damaged(healthy(kind), tmp_path, partial(LITTLE, with_zeros=with_zeros)))
    assert video.state == VideoState.READY, video.state_reason
    assert "could not be read, at 0:1" in told(video)
    edition = video.edition
    assert edition is not None
    assert not edition.renditions.filter(is_copy=True).exists(), "players give up at pictures that cannot be decoded"
    for rendition in edition.renditions.all():
        stream = shown.stream(edition, rendition.name, tmp_path)
        # Decoding it has said nothing.
        assert len(stream.moments) == SECONDS * 25, rendition.name
    assert nobody_is_alarmed()


def told(video: Video) -> str:
    assert video.source is not None
    return str(video.source["damage"])


@pytest.mark.parametrize(
    ("kind", "wound", "why"),
    [
        ("mp4 h264", partial(overwritten, part=0.5, with_zeros=True), "damaged: about 1"),
        ("mp4 h264", partial(overwritten, part=0.5, with_zeros=False), "damaged: about 1"),
        ("mp4 hevc", partial(overwritten, part=0.5, with_zeros=False), "damaged: about 1"),
        ("mkv h264", partial(overwritten, part=0.5, with_zeros=False), "damaged: about 1"),
        ("mp4 h264", partial(cut_short, part=0.5), "ends too early: it should be 24 s long"),
        ("mkv h264", partial(cut_short, part=0.5), "ends too early: it should be 24 s long"),
    ],
)
def test_much_damage_ends_at_once_as_the_files_own_and_nobody_else_is_alarmed(
    make_film: Maker, healthy: Callable[[str], Path], tmp_path: Path, kind: str, wound: Wound, why: str
) -> None:
    video = make_film(damaged(healthy(kind), tmp_path, wound))
    assert video.state == VideoState.FAILED
    assert why in video.state_reason
    assert "xport" in video.state_reason, "what helps"
    task = FinishedTask.objects.exclude(status=1).get(run_id=video.run_id)
    assert (task.status, task.attempt) == (4, 1)
    assert nobody_is_alarmed()


def test_a_film_whose_very_end_cannot_be_read_keeps_its_length(
    make_film: Maker, healthy: Callable[[str], Path], tmp_path: Path
) -> None:
    """Also where segments are encoded by themselves, and the last of them has not one picture that can be read."""
    wound = partial(overwritten, part=0.06, at=0.97, with_zeros=True)
    video = make_film(damaged(healthy("mp4 hevc"), tmp_path, wound))
    assert video.state == VideoState.READY, video.state_reason
    assert "could not be read, at 0:2" in told(video)
    assert video.edition is not None
    for rendition in video.edition.renditions.all():
        assert len(shown.stream(video.edition, rendition.name, tmp_path).moments) == SECONDS * 25


@pytest.mark.parametrize("kind", ["mp4 h264", "mp4 hevc", "mkv h264"])
def test_a_healthy_film_has_no_note_and_is_copied_where_it_can_be(
    make_film: Maker, healthy: Callable[[str], Path], tmp_path: Path, kind: str
) -> None:
    film = tmp_path / healthy(kind).name
    shutil.copy(healthy(kind), film)
    video = make_film(film)
    assert told(video) == ""
    assert video.edition is not None
    assert video.edition.renditions.filter(is_copy=True).exists() == kind.endswith("h264")

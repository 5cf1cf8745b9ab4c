"""What a file can make the server write while it is looked into: a small index can name the same bytes for ever."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any

import pytest

from mutoscope.engines.tasks.pipelines.progress import read_progress
from mutoscope.platform.videos.domain.life import VideoState
from mutoscope.platform.videos.domain.source import Unusable
from mutoscope.platform.videos.models import Subtitle
from mutoscope.platform.videos.process import ffmpeg, probe, units, waiting
from mutoscope.platform.videos.subtitles import convert
from tests.platform.videos.process.conftest import Maker, new_film, work_until_ended
from tests.platform.videos.process.sources import X264, make, picture

SAMPLES = 20_000


def box(kind: bytes, *parts: bytes) -> bytes:
    body = b"".join(parts)
    return struct.pack(">I", 8 + len(body)) + kind + body


def full(kind: bytes, *parts: bytes) -> bytes:
    return box(kind, bytes(4), *parts)


def of_tiny_pictures(path: Path, count: int) -> Path:
    """An MP4 of `count` pictures of one byte each: some bytes for a picture, of which a list of pictures makes seventy."""
    matrix = struct.pack(">9I", 0x10000, 0, 0, 0, 0x10000, 0, 0, 0, 0x40000000)

    def index(offset: int) -> bytes:
        movie = full(b"mvhd", struct.pack(">IIIIIH", 0, 0, 1000, count, 0x10000, 0x100), bytes(10), matrix, bytes(28))
        track = box(b"tkhd", b"\0\0\0\7", struct.pack(">IIIII", 0, 0, 1, 0, count), bytes(16), matrix, bytes(8))
        media = full(b"mdhd", struct.pack(">IIIIHH", 0, 0, 60, count, 0x55C4, 0))
        handler = full(b"hdlr", bytes(4), b"vide", bytes(12), b"v\0")
        sizes = struct.pack(">HHIII", 640, 360, 0x480000, 0x480000, 0)
        entry = box(b"mp4v", bytes(6), b"\0\1", bytes(16), sizes, b"\0\1", bytes(32), struct.pack(">Hh", 24, -1))
        samples = box(
            b"stbl", full(b"stsd", struct.pack(">I", 1), entry), full(b"stts", struct.pack(">III", 1, count, 1)),
            full(b"stsc", struct.pack(">IIII", 1, 1, count, 1)), full(b"stsz", struct.pack(">II", 1, count)),
            full(b"stco", struct.pack(">II", 1, offset)),
        )  # fmt: skip
        here = box(b"dinf", full(b"dref", struct.pack(">I", 1), box(b"url ", b"\0\0\0\1")))
        information = box(b"minf", full(b"vmhd", bytes(8)), here, samples)
        return box(b"moov", movie, box(b"trak", track, box(b"mdia", media, handler, information)))

    kind = box(b"ftyp", b"isom\0\0\2\0isommp41")
    head = kind + index(len(kind) + len(index(0)) + 8)
    path.write_bytes(head + struct.pack(">I", 8 + count) + b"mdat" + b"\1" * count)
    return path


def listed(folder: Path) -> int:
    return sum(not line.startswith("#") for line in (folder / probe.PACKETS).read_text().splitlines())


def test_no_more_pictures_are_listed_than_a_film_may_have(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(probe, "PACKETS_MAX", 1000)
    film = of_tiny_pictures(tmp_path / "film.mp4", SAMPLES)
    with ffmpeg.work_folder("probe") as out:
        with pytest.raises(Unusable):
            probe.look_into(film, out)
        assert listed(out) == 1001


def test_a_film_of_just_as_many_is_looked_into_and_of_one_more_is_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    film = make(tmp_path / "film.mp4", *picture(seconds=2), *X264)
    with ffmpeg.work_folder("probe") as out:
        monkeypatch.setattr(probe, "PACKETS_MAX", 50)
        assert probe.look_into(film, out).time.frames == 50
        monkeypatch.setattr(probe, "PACKETS_MAX", 49)
        with pytest.raises(Unusable, match="more pictures than can be handled"):
            probe.look_into(film, out)


def test_a_list_that_grows_too_large_ends_the_look(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(probe, "PACKETS_BYTES_MAX", 64 * 1024)
    film = of_tiny_pictures(tmp_path / "film.mp4", SAMPLES)
    with ffmpeg.work_folder("probe") as out:
        with pytest.raises(Unusable, match="far more work"):
            probe.look_into(film, out)
        assert (out / probe.PACKETS).stat().st_size <= 64 * 1024


def test_a_look_may_take_as_long_as_reading_the_file_does() -> None:
    small, large = probe.limits_of(1024**2), probe.limits_of(100 * 1024**3)
    assert small.wall_s == probe.READING_S_MIN
    assert large.wall_s < 12 * 3600
    assert large.file_bytes == probe.PACKETS_BYTES_MAX < 1024**3


@pytest.mark.django_db(transaction=True)
def test_a_film_that_fills_the_disk_again_and_again_ends_with_a_sentence(
    places: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(waiting, "WAIT_S", 0.01)
    looks: list[Path] = []

    def fills_the_disk(film: Path, work: Path) -> Any:
        looks.append(film)
        raise ffmpeg.NoRoom("No space left on device")

    monkeypatch.setattr(units, "look_into", fills_the_disk)
    video = new_film(make(places / "film.mp4", *picture("64x64", "5", 1), "-c:v", "mpeg4"))
    work_until_ended(video)
    video.refresh_from_db()
    assert video.state == VideoState.FAILED
    assert video.state_reason == units.NO_ROOM_TO_LOOK
    assert len(looks) == units.PROBES_WITHOUT_ROOM_MAX
    assert read_progress(video.run_id or 0).state == "FAILED"


@pytest.mark.django_db(transaction=True)
def test_a_track_of_endless_words_is_left_out(
    make_film: Maker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(convert, "TEXT_BYTES_MAX", 4096)
    long, short = tmp_path / "long.srt", tmp_path / "short.srt"
    long.write_text(f"1\n00:00:00,200 --> 00:00:01,000\n{'Ahoy ' * 2000}\n")
    short.write_text("1\n00:00:00,200 --> 00:00:01,000\nAhoy\n")
    film = make(
        tmp_path / "film.mkv", *picture(seconds=1), "-i", str(long), "-i", str(short), "-map", "0", "-map", "1",
        "-map", "2", *X264, "-c:s", "srt",
    )  # fmt: skip
    video = make_film(film)
    assert video.state == VideoState.READY, video.state_reason
    assert Subtitle.objects.get(video=video).cues == 1

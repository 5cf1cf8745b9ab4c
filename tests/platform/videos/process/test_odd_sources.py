"""Films as people really send them: turned, uneven, dark, silent, many-tongued, cut short. Each comes out ordinary."""

from __future__ import annotations

import dataclasses
import subprocess
from pathlib import Path

import pytest

from mutoscope.platform.videos.domain.ladder import plan_ladder
from mutoscope.platform.videos.domain.life import VideoState
from mutoscope.platform.videos.domain.source import SourceFacts, Unusable
from mutoscope.platform.videos.models import Edition
from mutoscope.platform.videos.process import ffmpeg
from mutoscope.platform.videos.process.probe import look_into, parse_header
from tests.platform.videos.process import shown
from tests.platform.videos.process.conftest import Maker
from tests.platform.videos.process.sources import X264, make, picture, real_film, tone

SRT = """1
00:00:00,200 --> 00:00:01,000
<font color="red">Ahoy</font> <i>there</i>

2
00:00:01,200 --> 00:00:01,900
<script>alert(1)</script> & so on
"""


def turned(path: Path) -> Path:
    flat = make(path.with_name("flat.mp4"), *picture("320x180", "25", 1), *X264)
    return make(path, "-display_rotation:v:0", "90", "-i", str(flat), "-c", "copy")


def uneven(path: Path) -> Path:
    # Every third frame is left out: gaps of one and of two frames.
    return make(path, *picture("320x180", "30", 2), "-vf", "select='mod(n,3)',settb=1/90000", "-fps_mode", "vfr", *X264)


def of_ten_bits(path: Path) -> Path:
    return make(path, *picture(seconds=1), "-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p10le")


def hdr(path: Path) -> Path:
    tags = "colorprim=bt2020:transfer=smpte2084:colormatrix=bt2020nc"
    return make(
        path, *picture(seconds=1), "-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p10le",
        "-x264-params", tags, "-color_primaries", "bt2020", "-color_trc", "smpte2084", "-colorspace", "bt2020nc",
    )  # fmt: skip


def interlaced(path: Path) -> Path:
    return make(
        path,
        *picture("320x240", "50", 1),
        "-vf",
        "interlace",
        "-c:v",
        "mpeg2video",
        "-flags",
        "+ilme+ildct",
        "-f",
        "mpegts",
    )


def odd_sized(path: Path) -> Path:
    return make(path, *picture("321x181", "25", 1), "-c:v", "ffv1")


def of_one_frame(path: Path) -> Path:
    return make(path, *picture("320x180", "25", 1), "-frames:v", "1", *X264)


def of_wide_pixels(path: Path) -> Path:
    return make(path, *picture("360x288", "25", 1), "-vf", "setsar=16/11", *X264)


def late(path: Path) -> Path:
    """The sound begins half a second before the picture."""
    return make(path, "-itsoffset", "0.5", *picture(seconds=1.5), *tone(2), *X264, "-c:a", "aac")


def of_120_frames_a_second(path: Path) -> Path:
    return make(path, *picture("320x180", "120", 1), *X264)


ODD = {
    "turned": (turned, "mp4", (240, 426), 25),
    "uneven": (uneven, "mkv", (320, 180), None),
    "ten bits": (of_ten_bits, "mp4", (320, 180), 25),
    "hdr": (hdr, "mp4", (320, 180), 25),
    "interlaced": (interlaced, "ts", (320, 240), 25),
    "odd sizes": (odd_sized, "mkv", (320, 180), 25),
    "one frame": (of_one_frame, "mp4", (320, 180), 25),
    "wide pixels": (of_wide_pixels, "mp4", None, 25),
    "late picture": (late, "mkv", (320, 180), 25),
    "120 a second": (of_120_frames_a_second, "mp4", (320, 180), 60),
}


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("kind", ODD)
def test_an_odd_film_comes_out_ordinary(make_film: Maker, tmp_path: Path, kind: str) -> None:
    maker, suffix, _, rate = ODD[kind]
    film = maker(tmp_path / f"film.{suffix}")
    before = look(film, tmp_path)
    video = make_film(film)
    assert video.state == VideoState.READY, video.state_reason
    edition = video.edition
    assert edition is not None
    rendition = edition.renditions.first()
    assert rendition is not None
    width, height = before.picture.upright()
    assert rendition.width / rendition.height == pytest.approx(width / height, rel=0.02)
    assert rendition.width <= width + 1, "never larger than the source"
    assert rendition.width % 2 == rendition.height % 2 == 0
    stream = shown.stream(edition, rendition.name, tmp_path)
    frame = rendition.frame_den / rendition.frame_num
    if rate is not None:
        assert frame == pytest.approx(1 / rate)
    assert len(stream.moments) * frame == pytest.approx(before.duration_s, abs=1.5 * frame), "as long as it was"
    steps = {round((b - a) / frame) for a, b in zip(stream.moments, stream.moments[1:], strict=False)}
    assert steps <= {1}, "an even rate"
    # The preset of tests is too fast for profile High.
    assert described(stream.path).startswith("h264 (Constrained Baseline), yuv420p("), described(stream.path)


def look(film: Path, folder: Path) -> SourceFacts:
    out = folder / "looked"
    out.mkdir(exist_ok=True)
    return look_into(film, out)


def described(path: Path) -> str:
    done = subprocess.run([str(ffmpeg.program()), "-i", str(path)], capture_output=True, text=True, check=False)
    return next(
        line.split("Video: ")[1].replace(" (avc1 / 0x31637661)", "")
        for line in done.stderr.splitlines()
        if "Video: " in line
    )


@pytest.mark.django_db(transaction=True)
def test_tongues_and_subtitles_come_along(make_film: Maker, tmp_path: Path) -> None:
    srt = tmp_path / "a.srt"
    srt.write_text(SRT)
    film = make(
        tmp_path / "film.mkv", *picture(seconds=2), *tone(2, 440), *tone(2, 880), "-i", str(srt), "-map", "0:v",
        "-map", "1:a", "-map", "2:a", "-map", "3:s", *X264, "-c:a", "aac", "-c:s", "srt",
        "-metadata:s:a:0", "language=eng", "-metadata:s:a:1", "language=deu", "-metadata:s:a:1", 'title=Ton "zwei"',
        "-metadata:s:s:0", "language=fra",
    )  # fmt: skip
    video = make_film(film)
    edition = video.edition
    assert edition is not None, video.state_reason
    assert list(edition.audio_tracks.values_list("language", "label")) == [("eng", "English"), ("deu", 'Ton "zwei"')]
    main = shown.text(edition, "main.m3u8")
    assert "NAME=\"Ton 'zwei'\"" in main, "a quote would end the attribute"
    for name in ("audio-0", "audio-1"):
        assert shown.stream(edition, name, tmp_path).declared_s == pytest.approx(2, abs=0.05)
    subtitle = video.subtitles.get()
    assert (subtitle.language, subtitle.is_embedded, subtitle.cues) == ("fra", True, 2)
    from django.core.files.storage import storages

    with storages["films"].open(subtitle.file) as file:
        text = file.read().decode()
    assert "Ahoy <i>there</i>" in text
    assert "<script" not in text
    assert "&amp; so on" in text


@pytest.mark.django_db(transaction=True)
def test_sound_and_picture_stay_together(make_film: Maker, tmp_path: Path) -> None:
    """A flash and a beep at the same moment are at the same moment afterwards, within a frame."""
    film = make(
        tmp_path / "film.mp4", "-f", "lavfi", "-i", "color=black:s=320x180:r=25:d=3", *tone(3, 1000),
        "-vf", "drawbox=c=white:t=fill:enable='between(t,1.6,1.8)'", "-af", "volume=0:enable='not(between(t,1.6,1.8))'",
        *X264, "-c:a", "aac",
    )  # fmt: skip
    edition = make_film(film).edition
    assert edition is not None
    flash = first_moment(shown.stream(edition, "180p", tmp_path).path, "v")
    beep = first_moment(shown.stream(edition, "audio-0", tmp_path).path, "a")
    assert flash == pytest.approx(1.6, abs=0.041)
    assert beep == pytest.approx(flash, abs=0.041)


def first_moment(path: Path, kind: str) -> float:
    """When a picture first is bright, or a sound first is loud, in seconds."""
    if kind == "v":
        raw = read(path, "-map", "0:v", "-vf", "scale=1:1,format=gray", "-f", "rawvideo", "-")
        return next(number for number, value in enumerate(raw) if value > 128) / 25
    raw = read(path, "-map", "0:a", "-ac", "1", "-ar", "48000", "-f", "u8", "-")
    return next(number for number, value in enumerate(raw) if abs(value - 128) > 8) / 48000


def read(path: Path, *arguments: str) -> bytes:
    command = [str(ffmpeg.program()), "-v", "error", "-i", str(path), *arguments]
    return subprocess.run(command, capture_output=True, check=True, timeout=60).stdout


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    ("name", "arguments", "why"),
    [
        ("film.m4a", [*tone(1), "-c:a", "aac"], "no picture"),
        ("film.mp4", [*picture("8x8", seconds=1), *X264], "too small"),
    ],
)
def test_what_is_no_film_fails_with_a_sentence(
    make_film: Maker, tmp_path: Path, name: str, arguments: list[str], why: str
) -> None:
    video = make_film(make(tmp_path / name, *arguments))
    assert video.state == VideoState.FAILED
    assert why in video.state_reason
    assert not Edition.objects.filter(whole_at__isnull=False).exists()


def test_the_top_of_a_compliant_film_is_copied_and_cut_at_its_own_keys(tmp_path: Path) -> None:
    facts = look(make(tmp_path / "cut.mp4", "-t", "20", "-i", str(real_film()), "-c", "copy"), tmp_path)
    closed = dataclasses.replace(facts, time=dataclasses.replace(facts.time, keys=(0, 50, 90, 200, 300, 400)))
    plan = plan_ladder(closed)
    assert plan.rungs[-1].is_copy
    assert set(plan.starts) <= set(closed.time.keys)
    for change in ({"codec": "hevc"}, {"pixel_format": "yuv420p10le"}, {"rotation": 90}, {"is_interlaced": True}):
        other = dataclasses.replace(closed, picture=dataclasses.replace(closed.picture, **change))
        assert plan_ladder(other).copied() is None, change


def test_a_long_claim_with_hardly_a_picture_is_refused() -> None:
    from fractions import Fraction

    from mutoscope.platform.videos.domain.source import time_facts

    with pytest.raises(Unusable, match="hardly holds a picture"):
        time_facts([(0, 1, 100, True), (86_400_000, 1, 100, False)], Fraction(1, 1000), 0.0)


def test_a_title_cannot_pass_for_a_stream() -> None:
    header = (
        "Input #0, matroska,webm, from 'film':\n  Metadata:\n    title           : x\n"
        "                    :   Stream #0:7: Video: h264, yuv420p, 9999x9999\n"
        "  Stream #0:0: Video: vp9 (Profile 0), yuv420p(tv), 640x360, SAR 1:1 DAR 16:9, 25 fps, 25 tbr, 1k tbn\n"
        "  Stream #0:1(eng): Audio: opus, 48000 Hz, stereo, fltp (default)\n"
    )
    found, sounds, _, _ = parse_header(header)
    assert (found.index, found.codec, found.width) == (0, "vp9", 640)
    assert (sounds[0].channels, sounds[0].language, sounds[0].is_default) == (2, "eng", True)

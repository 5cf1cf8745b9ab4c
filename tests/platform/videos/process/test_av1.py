"""AV1 beside H.264, where the operator wants it."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import pytest

from mutoscope.platform.videos.domain.ladder import AV1, H264, PIXELS_A_PROCESS_MAX, Plan, chunks, plan_ladder
from mutoscope.platform.videos.domain.life import VideoState
from mutoscope.platform.videos.domain.source import PictureFacts, SourceFacts, TimeFacts
from mutoscope.platform.videos.process import ffmpeg
from tests.platform.videos.process import shown
from tests.platform.videos.process.conftest import Maker
from tests.platform.videos.process.sources import make, picture, tone


def plan_of(width: int, height: int, *, with_av1: bool) -> Plan:
    return plan_ladder(
        SourceFacts(
            "matroska", 60.0, PictureFacts(0, "vp9", width, height, "yuv420p"), TimeFacts(1500, 0.0, 60.0, 25, 1, True)
        ),
        with_av1=with_av1,
    )


@pytest.mark.django_db(transaction=True)
def test_the_same_ladder_comes_in_av1_besides(make_film: Maker, tmp_path: Path, settings: Any) -> None:
    settings.VIDEO_AV1 = True
    # Its own pictures are the top rendition, and cut at its own keys, which are not evenly apart.
    film = make(
        tmp_path / "film.mp4", *picture("640x480", "10", 5), *tone(5), "-c:v", "libx264", "-preset", "ultrafast", "-crf", "40",
        "-pix_fmt", "yuv420p", "-g", "24", "-keyint_min", "24", "-sc_threshold", "0", "-c:a", "aac",
    )  # fmt: skip
    video = make_film(film)
    assert video.state == VideoState.READY, video.state_reason
    edition = video.edition
    assert edition is not None
    assert edition.renditions.get(is_copy=True).name == "480p"
    names = ["240p", "360p", "480p", "240p-av1", "360p-av1", "480p-av1"]
    main = shown.text(edition, "main.m3u8")
    assert [line.split("/")[0] for line in main.splitlines() if not line.startswith("#")] == names
    assert main.count('CODECS="avc1.') == 4, "three renditions and the single pictures"
    assert main.count('CODECS="av01.0.') == 3
    streams = {name: shown.stream(edition, name, tmp_path) for name in names}
    for name, stream in streams.items():
        assert len(stream.moments) == 50, name
        assert set(stream.starts) <= {round(key, 6) for key in stream.keys}, f"{name}: a segment begins with a key"
    assert {tuple(stream.starts) for stream in streams.values()} == {(0.0, 2.4)}, "the same moments are keys everywhere"
    told = subprocess.run(
        [ffmpeg.program(), "-hide_banner", "-i", streams["480p-av1"].path], capture_output=True, text=True, check=False
    ).stderr
    assert "Video: av1" in told
    assert "640x480" in told


def test_h264_is_always_made_and_first() -> None:
    alone, both = plan_of(1920, 1080, with_av1=False), plan_of(1920, 1080, with_av1=True)
    assert {rung.codec for rung in alone.rungs} == {H264}
    assert both.rungs[: len(alone.rungs)] == alone.rungs
    codecs = {rung.name: rung.codec for rung in both.rungs}
    order = [codecs[chunk.rungs[0]] for chunk in chunks(both)]
    assert order == sorted(order, key=[H264, AV1].index), "what everybody can play is made first"


@pytest.mark.parametrize("size", [(640, 360), (1920, 1080), (3840, 2160)])
@pytest.mark.parametrize("with_av1", [False, True])
def test_no_process_makes_more_pixels_than_memory_allows(size: tuple[int, int], with_av1: bool) -> None:
    plan = plan_of(*size, with_av1=with_av1)
    rungs = {rung.name: rung for rung in plan.rungs}
    made = [name for chunk in chunks(plan) for name in chunk.rungs if chunk.first_segment == 0]
    assert sorted(made) == sorted(rung.name for rung in plan.rungs if not rung.is_fast), "each once"
    for chunk in chunks(plan):
        together = [rungs[name] for name in chunk.rungs]
        assert len(together) == 1 or sum(rung.weight() for rung in together) <= PIXELS_A_PROCESS_MAX
        assert len({rung.codec for rung in together}) == 1

"""The frames that encoders are given: the same ones however a jump lands, of the same look whichever scaler made them."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from mutoscope.engines.sandbox import Level, Places
from mutoscope.platform.videos.domain.ladder import Rung, plan_ladder
from mutoscope.platform.videos.domain.source import SourceFacts
from mutoscope.platform.videos.process import arguments, ffmpeg
from mutoscope.platform.videos.process.probe import look_into
from tests.platform.videos.process.sources import make, picture, real_film

SMALL, SMALLER = Rung("360p", 480, 360, 800_000), Rung("240p", 320, 240, 400_000)
# As they come from screens, cameras and discs: none of them is what encoders want.
ODD = {
    "red, green and blue": (["-c:v", "libx264rgb", "-preset", "ultrafast"], "mp4"),
    "all colours": (["-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv444p"], "mp4"),
    "all brightness": (["-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuvj420p"], "mp4"),
    "ten bits": (["-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p10le"], "mp4"),
    "tagged": (["-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p", "-colorspace", "bt709"], "mp4"),
    "half pictures": (["-vf", "interlace", "-c:v", "mpeg2video", "-flags", "+ilme+ildct"], "mpg"),
    "odd sides": (["-vf", "crop=639:479", "-c:v", "ffv1"], "mkv"),
    "wide pixels": (["-vf", "setsar=16/11", "-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p"], "mp4"),
}


def look(film: Path, folder: Path) -> SourceFacts:
    out = folder / "looked"
    out.mkdir(exist_ok=True)
    return look_into(film, out)


def frames(film: Path, facts: SourceFacts, first: int, end: int, from_s: float) -> list[str]:
    """The frames that a chunk is made of, each by its digest."""
    places = Places(Level.BUBBLEWRAP, {"film": str(film)}, str(film.parent), {})
    given = [*arguments.opened(places, facts, from_s), "-an"]
    given += ["-vf", arguments.on_the_grid(facts, plan_ladder(facts), first, end), "-f", "framemd5", "-"]
    told = subprocess.run([ffmpeg.program(), "-v", "error", *given], capture_output=True, text=True, check=True).stdout
    return [line.split(",")[-1].strip() for line in told.splitlines() if not line.startswith("#")]


@pytest.mark.parametrize(("rate", "keys_apart"), [("24", 48), ("24", 71), ("30000/1001", 60), ("50", 200)])
def test_a_chunk_is_made_of_the_same_frames_from_a_jump_as_from_the_beginning(
    tmp_path: Path, rate: str, keys_apart: int
) -> None:
    film = make(
        tmp_path / "film.mp4", "-t", "13", "-i", str(real_film()), "-an", "-vf", f"scale=320:180,fps={rate}", "-c:v", "libx264",
        "-preset", "ultrafast", "-bf", "3", "-pix_fmt", "yuv420p", "-g", str(keys_apart), "-sc_threshold", "0",
    )  # fmt: skip
    facts = look(film, tmp_path)
    plan = plan_ladder(facts)
    assert len(plan.starts) == 3
    for segment in (1, 2):
        first, end = plan.starts[segment], plan.end_of(segment)
        from_the_beginning = frames(film, facts, first, end, 0.0)
        assert len(from_the_beginning) == end - first
        assert frames(film, facts, first, end, float(first / plan.rate())) == from_the_beginning, f"segment {segment}"


@pytest.mark.skipif(not ffmpeg.has_zimg(), reason="this ffmpeg has no zimg")
def test_zimg_makes_the_pictures_that_swscale_makes() -> None:
    by_zimg = arguments.scaled(SMALL, (1920, 1080), is_plain=True)
    by_swscale = arguments.scaled(SMALL, (1920, 1080), is_plain=False)
    assert by_zimg.startswith("zscale=")
    assert by_swscale.startswith("scale=")
    graph = f"[0:v]split[a][b];[a]{by_zimg}[x];[b]{by_swscale}[y];[x][y]psnr"
    command = [ffmpeg.program(), "-t", "2", "-i", str(real_film()), "-lavfi", graph, "-f", "null", "-"]
    told = subprocess.run(command, capture_output=True, text=True, check=True).stderr
    found = re.search(r"average:([\d.]+)", told)
    assert found is not None, told
    assert float(found[1]) > 50


@pytest.mark.parametrize("kind", ODD)
def test_every_size_comes_out_of_odd_pictures_too(tmp_path: Path, kind: str) -> None:
    encoded, suffix = ODD[kind]
    film = make(tmp_path / f"film.{suffix}", *picture("640x480", "25", 1), *encoded)
    facts = look(film, tmp_path)
    graph = arguments.one_from_another("[0:v]", facts.picture, [SMALL, SMALLER])
    outputs = []
    for number, rung in enumerate((SMALL, SMALLER)):
        outputs += [
            "-map",
            f"[v{number}]",
            *arguments.Encoder("ultrafast").arguments(rung, plan_ladder(facts), 0, 1, [rung]),
        ]
        outputs.append(str(tmp_path / f"{rung.name}.mp4"))
    make(
        tmp_path / "unused.mp4",
        "-i",
        str(film),
        "-filter_complex",
        ";".join(graph),
        *outputs,
        "-map",
        "0:v",
        "-c",
        "copy",
    )
    for rung in (SMALL, SMALLER):
        made = look(tmp_path / f"{rung.name}.mp4", tmp_path).picture
        assert (made.width, made.height) == (rung.width, rung.height)
        # Brightness from 0 to 255 is kept, and said.
        assert made.pixel_format == ("yuvj420p" if kind == "all brightness" else "yuv420p")


def test_the_encoders_of_a_process_share_its_cores(tmp_path: Path) -> None:
    ladder = [Rung(f"{height}p", height * 16 // 9, height, 1) for height in (480, 720, 1080)]
    own = [arguments.fitting_threads(rung, ladder) for rung in ladder]
    alone = arguments.fitting_threads(ladder[-1], ladder[-1:])
    assert own == sorted(own), "the larger the picture, the more"
    assert all(threads >= 1 for threads in own)
    assert sum(own) <= alone + len(ladder), "about what one would take alone"
    explicit = arguments.Encoder(threads=7).arguments(ladder[0], plan_ladder(look(real_film(), tmp_path)), 0, 1, ladder)
    assert explicit[explicit.index("-threads") + 1] == "7", "what is asked for holds"

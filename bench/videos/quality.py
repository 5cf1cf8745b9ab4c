"""What the bits buy: each rendition of PeerTube's, at its own settings, and of ours, beside the source at its size.

Decibels are the luminance's PSNR over the whole film, frame by frame; bits are those of the pictures alone, without sound and containers.
"""

from __future__ import annotations

import re
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.videos import peers
from mutoscope.platform.videos.domain.ladder import Plan, Rung
from mutoscope.platform.videos.process import arguments, ffmpeg
from mutoscope.platform.videos.process.segments import Segment, Shelf


@dataclass(frozen=True)
class OpenShelf(Shelf):
    """A shelf that also keeps everything as it was before it was encrypted, in a folder for each stream."""

    clear_folder: Path

    def keep(self, stream: str, number: int, clear: bytes, *, start_s: float, ticks: int) -> Segment:
        self._lay_open(stream, f"{number:05d}.m4s", clear)
        return super().keep(stream, number, clear, start_s=start_s, ticks=ticks)

    def keep_init(self, stream: str, data: bytes) -> str:
        self._lay_open(stream, "0-init.mp4", data)
        return super().keep_init(stream, data)

    def _lay_open(self, stream: str, name: str, data: bytes) -> None:
        folder = self.clear_folder / stream
        folder.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)


def compare(film: Path, facts: Any, plan: Plan, root: Path) -> None:
    """Make both, and print a row for each rendition."""
    from bench.videos import run

    theirs, ours = root / "theirs", root / "ours"
    theirs.mkdir()
    peers.peertube(film, facts, plan, arguments.Encoder(), theirs, lambda: None, peers.x264_of_peertube)
    shelf = OpenShelf("film", {number: bytes(16) for number in range(1000)}, plan.key_period_s, ours)
    run.fast_lane(film, facts, plan, shelf, lambda: None)
    run.rest(film, facts, plan, shelf, [None])
    print("\n| rendition | PeerTube, its own settings: kbit/s | dB | ours: kbit/s | dB |\n|---|---|---|---|---|")
    for rung in plan.rungs:
        whole = root / f"{rung.name}-ours.mp4"
        # "0-init" comes before "00000".
        whole.write_bytes(b"".join(file.read_bytes() for file in sorted((ours / rung.name).iterdir())))
        made = (theirs / rung.name / "playlist.m3u8", whole)
        cells = (f"{kbit_per_s(one, plan):,.0f} | {decibels(one, film, rung, plan):.2f}" for one in made)
        print(f"| {rung.name} | {' | '.join(cells)} |", flush=True)


def kbit_per_s(made: Path, plan: Plan) -> float:
    pictures = subprocess.run(
        [str(ffmpeg.program()), "-v", "error", "-nostdin", "-i", str(made), "-map", "0:v", "-c", "copy", "-f", "h264", "-"],
        check=True, capture_output=True,
    ).stdout  # fmt: skip
    return len(pictures) * 8 / plan.duration_s / 1000


def decibels(made: Path, film: Path, rung: Rung, plan: Plan) -> float:
    """The luminance's PSNR. Frames are compared by number: containers begin at different moments."""
    by_number = f"setpts=N/({plan.rate()})/TB"
    graph = f"[0:v]{by_number}[made];[1:v]scale={rung.width}:{rung.height}:flags=bicubic,{by_number}[source];[made][source]psnr"
    told = subprocess.run(
        [str(ffmpeg.program()), "-nostdin", "-i", str(made), "-i", str(film), "-lavfi", graph, "-f", "null", "-"],
        check=True, capture_output=True, text=True,
    ).stderr  # fmt: skip
    found = re.search(r"PSNR y:([\d.]+)", told)
    assert found is not None, told
    return float(found[1])

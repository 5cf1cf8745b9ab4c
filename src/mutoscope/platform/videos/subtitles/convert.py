"""Subtitles of any kind as cues, through ffmpeg in the sandbox."""

from __future__ import annotations

import dataclasses
from pathlib import Path

from mutoscope.engines.sandbox.ffmpeg import FORMATS, SUBTITLE_FORMATS, trusted_only_with
from mutoscope.platform.videos.domain import webvtt
from mutoscope.platform.videos.process import ffmpeg

BYTES_MAX = 2 * 1024 * 1024
# What they may become: a file's index may name the same words over and over.
TEXT_BYTES_MAX = 8 * 1024 * 1024


def convert(file: Path, stream: str, *, film_s: float) -> list[webvtt.Cue]:
    """The cues of one stream of a film or of a file of subtitles. Raises Broke where ffmpeg cannot read it, Unusable where it
    makes far more of it than anybody could read."""
    with ffmpeg.work_folder("text") as folder:
        ffmpeg.run(
            {"film": file},
            lambda places: [
                *trusted_only_with(places, "film", (*FORMATS, *SUBTITLE_FORMATS)), "-map", stream, "-c:s", "webvtt",
                "-f", "webvtt", places.output("text.vtt"),
            ],
            folder,
            film_s=film_s,
            limits=dataclasses.replace(ffmpeg.limits_for(film_s), file_bytes=TEXT_BYTES_MAX),
        )  # fmt: skip
        return webvtt.parse((folder / "text.vtt").read_text(errors="replace"))

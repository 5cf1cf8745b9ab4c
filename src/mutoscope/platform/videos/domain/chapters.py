"""Chapters of a film, as its creator writes them into the description: one line each, a time and a title.

    0:00 The harbour
    4:30 - The pass
    1:02:03 The road closes

What counts as chapters: at least two such lines, rising, within the film. Titles lose the dash before them.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

CHAPTERS_MAX = 100
TITLE_LENGTH_MAX = 100
# At most one optional group before the fixed part, and nothing that can match in two ways: linear in the line.
LINE = re.compile(r"[ \t]*[(\[]?(?:(\d{1,2}):)?(\d{1,2}):(\d{2})[)\]]?[ \t]+(\S.*)", re.ASCII)
DASHES = "-\u2013\u2014:·|"


@dataclass(frozen=True)
class Chapter:
    start_ms: int
    end_ms: int
    title: str

    def start_s(self) -> int:
        return self.start_ms // 1000

    def clock(self) -> str:
        """Its beginning as people write it: 4:30, or 1:02:03."""
        return clock(self.start_ms)


def parse_chapters(description: str, duration_ms: int | None) -> tuple[Chapter, ...]:
    """The chapters in a description, in order; none unless there are two, rising, that begin within the film.

    The last one ends with the film. `duration_ms` is None for a film whose length is not known: it has no chapters.
    """
    if duration_ms is None:
        return ()
    starts: list[tuple[int, str]] = []
    for line in description.splitlines():
        found = LINE.fullmatch(line)
        if found is None:
            continue
        hours, minutes, seconds = int(found[1] or 0), int(found[2]), int(found[3])
        title = found[4].strip().lstrip(DASHES).strip()[:TITLE_LENGTH_MAX].strip()
        if seconds > 59 or (found[1] and minutes > 59) or not title:
            continue
        start_ms = ((hours * 60 + minutes) * 60 + seconds) * 1000
        if start_ms >= duration_ms or (starts and start_ms <= starts[-1][0]):
            continue
        starts.append((start_ms, title))
    if len(starts) < 2:
        return ()
    starts = starts[:CHAPTERS_MAX]
    ends = [start_ms for start_ms, _ in starts[1:]] + [duration_ms]
    return tuple(Chapter(start_ms, end_ms, title) for (start_ms, title), end_ms in zip(starts, ends, strict=True))


def clock(milliseconds: int) -> str:
    """A moment of a film: 4:30, or 1:02:03."""
    minutes, seconds = divmod(milliseconds // 1000, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}"


def webvtt(chapters: tuple[Chapter, ...]) -> str:
    """The chapters as a WebVTT file, as a player's time line reads it. Source: W3C WebVTT, section 4.5."""
    lines = ["WEBVTT", ""]
    for chapter in chapters:
        # "-->" would end the cue's head, "&" and "<" begin markup.
        title = chapter.title.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
        lines += [f"{_timestamp(chapter.start_ms)} --> {_timestamp(chapter.end_ms)}", title, ""]
    return "\n".join(lines)


def _timestamp(milliseconds: int) -> str:
    seconds, millis = divmod(milliseconds, 1000)
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours:02}:{minutes:02}:{seconds:02}.{millis:03}"


def prose(description: str, chapters: tuple[Chapter, ...]) -> str:
    """The description without the lines that are shown as chapters."""
    if not chapters:
        return description.strip()
    return "\n".join(line for line in description.splitlines() if LINE.fullmatch(line) is None).strip()

"""Subtitles as clean WebVTT: times in order, text without anything but words and the plainest of marks.

What comes in was made by ffmpeg out of SRT, ASS or WebVTT; it is parsed and written anew, so that nothing of what was sent
is passed on as it was.
"""

from __future__ import annotations

import html
import re
from dataclasses import dataclass

CUES_MAX = 20_000
TEXT_LENGTH_MAX = 1_000
_TIME = r"(?:(\d{1,4}):)?(\d{1,2}):(\d{2})[.,](\d{3})"
_TIMING = re.compile(rf"^\s*{_TIME}\s+-->\s+{_TIME}(?:\s.*)?$")
# Italics, bold and underlined stay: they carry meaning. Classes, voices, colours and times go.
_TAG = re.compile(r"<(/?)(\w*)[^>]{0,200}>")
_KEPT = frozenset({"i", "b", "u"})
_ASS_OVERRIDE = re.compile(r"\{\\[^}]{0,500}\}")


@dataclass(frozen=True)
class Cue:
    """Words shown from one moment to another, in milliseconds."""

    start_ms: int
    end_ms: int
    text: str


def parse(text: str) -> list[Cue]:
    """The cues of a WebVTT or SRT text; blocks that are none are left out."""
    cues: list[Cue] = []
    for block in re.split(r"\n[ \t]*\n", text.replace("\r\n", "\n").replace("\r", "\n")):
        lines = block.strip("\n").split("\n")
        at = next((number for number, line in enumerate(lines[:2]) if _TIMING.match(line)), None)
        if at is None or lines[0].startswith(("NOTE", "STYLE", "REGION")):
            continue
        found = _TIMING.match(lines[at])
        assert found is not None
        start, end = _ms(found.groups()[:4]), _ms(found.groups()[4:])
        words = _clean("\n".join(lines[at + 1 :]))
        if words and end > start:
            cues.append(Cue(start, end, words))
        if len(cues) >= CUES_MAX:
            break
    return sorted(cues, key=lambda cue: (cue.start_ms, cue.end_ms))


def render(cues: list[Cue]) -> str:
    """Clean WebVTT. Times begin with the film's."""
    parts = ["WEBVTT\nX-TIMESTAMP-MAP=MPEGTS:0,LOCAL:00:00:00.000\n"]
    parts += [f"{_stamp(cue.start_ms)} --> {_stamp(cue.end_ms)}\n{cue.text}\n" for cue in cues]
    return "\n".join(parts)


def _clean(text: str) -> str:
    text = _ASS_OVERRIDE.sub("", text)
    parts: list[str] = []
    open_tags: list[str] = []
    position = 0
    for tag in _TAG.finditer(text):
        parts.append(_escaped(text[position : tag.start()]))
        position = tag.end()
        name = tag[2].lower()
        if name in _KEPT and not tag[1]:
            open_tags.append(name)
            parts.append(f"<{name}>")
        elif name in _KEPT and name in open_tags:
            while open_tags:
                last = open_tags.pop()
                parts.append(f"</{last}>")
                if last == name:
                    break
    parts.append(_escaped(text[position:]))
    parts += [f"</{name}>" for name in reversed(open_tags)]
    lines = [line.strip() for line in "".join(parts).split("\n")]
    words = "\n".join(line for line in lines if line)
    return words if re.sub(r"</?[ibu]>", "", words).strip() else ""


def _escaped(text: str) -> str:
    plain = html.unescape(text)[:TEXT_LENGTH_MAX]
    kept = "".join(letter for letter in plain if letter.isprintable() or letter == "\n" or letter in "\u200c\u200d")
    # An arrow of a timing line inside words would end the cue.
    return kept.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _ms(groups: tuple[str | None, ...]) -> int:
    hours, minutes, seconds, thousandths = (int(group or 0) for group in groups)
    return ((hours * 60 + minutes) * 60 + seconds) * 1000 + thousandths


def _stamp(moment_ms: int) -> str:
    seconds, thousandths = divmod(moment_ms, 1000)
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours:02d}:{minutes:02d}:{seconds:02d}.{thousandths:03d}"


def sprite_map(tiles: list[tuple[int, int, str, int, int, int, int]]) -> str:
    """WebVTT that names a rectangle of a sheet for each stretch of time: (start, end, file, x, y, width, height)."""
    parts = ["WEBVTT\n"]
    parts += [
        f"{_stamp(start)} --> {_stamp(end)}\n{file}#xywh={x},{y},{width},{height}\n"
        for start, end, file, x, y, width, height in tiles
    ]
    return "\n".join(parts)

"""What a player says about a playback every few seconds: where it is, and which stretches were shown since."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

# No film is longer than this, so no honest position is.
POSITION_MS_MAX = 48 * 3600 * 1000
STRETCHES_MAX = 50
# Nearer to the start than this, a position says only that a page was opened.
BEGINNING_MS = 5_000
# Within the last tenth, half a minute at most, a film counts as seen: what remains are its credits.
CREDITS_MS_MAX = 30_000


class BadBeat(Exception):
    """What was sent is not a beat; the message says which part."""


@dataclass(frozen=True)
class Beat:
    """`position_ms` is None where nothing was played. Stretches are (from, to) in milliseconds of the film."""

    position_ms: int | None
    stretches: tuple[tuple[int, int], ...]
    is_last: bool


def parse_beat(document: object) -> Beat:
    """The beat in a decoded JSON document. Raises BadBeat: nothing of a wrong one is used."""
    if not isinstance(document, Mapping):
        raise BadBeat("must be an object")
    position = document.get("position_ms")
    stretches = document.get("stretches", [])
    is_last = document.get("is_last", False)
    if not isinstance(stretches, Sequence) or isinstance(stretches, str) or len(stretches) > STRETCHES_MAX:
        raise BadBeat(f"stretches must be a list of at most {STRETCHES_MAX}")
    if not isinstance(is_last, bool):
        raise BadBeat("is_last must be true or false")
    return Beat(
        None if position is None else _moment(position, "position_ms"),
        tuple(_stretch(each) for each in stretches),
        is_last,
    )


def _stretch(value: object) -> tuple[int, int]:
    if not isinstance(value, Sequence) or isinstance(value, str) or len(value) != 2:
        raise BadBeat("a stretch must be a pair of numbers")
    start, end = _moment(value[0], "stretches"), _moment(value[1], "stretches")
    if end <= start:
        raise BadBeat("a stretch must end after it begins")
    return start, end


def _moment(value: object, name: str) -> int:
    # JSON's numbers only: True is an int to Python, and NaN a float that Python's reader lets through.
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= POSITION_MS_MAX:
        raise BadBeat(f"{name} must be whole milliseconds from 0 to {POSITION_MS_MAX}")
    return value

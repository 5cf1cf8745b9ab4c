"""Which seconds of a film its trailer shows: what is chosen by itself, what its creator cut out, or nothing."""

from __future__ import annotations

import re
from enum import StrEnum

CUT_S = 3.0
# Where the cuts begin, as parts of the film. The end is not given away.
CUT_MOMENTS = (0.15, 0.4, 0.65)
# A film shorter than this is shown by its beginning alone: cuts would lie side by side.
CUTS_FROM_S = 30.0
BEGINNING_S_MAX = 10.0
# Of a film of twelve seconds, ten would be nearly all there is to sell.
PART_MAX = 1 / 3
OWN_MS_MIN, OWN_MS_MAX = 1_000, 180_000
MOMENT = re.compile(r"(?:(?:(\d{1,2}):)?(\d{1,2}):)?(\d{1,5})(?:\.(\d{1,3}))?", re.ASCII)


class TrailerChoice(StrEnum):
    """What those who have not paid see of a film."""

    AUTOMATIC = "automatic"
    OWN = "own"
    """A stretch that its creator chose."""
    NONE = "none"


class BadMoment(ValueError):
    """What was typed is no moment, or no clip that can be cut. The message is a sentence."""


def cuts(duration_s: float) -> list[tuple[float, float]]:
    """Where the trailer of a film of that length is taken by itself: beginnings and lengths in seconds."""
    if duration_s < CUTS_FROM_S:
        return [(0.0, min(BEGINNING_S_MAX, duration_s * PART_MAX))]
    return [(duration_s * part, CUT_S) for part in CUT_MOMENTS]


def parse_moment(text: str) -> int:
    """Milliseconds from the film's beginning: 90, 1:30, 1:02:03 or 12.5. Raises BadMoment."""
    found = MOMENT.fullmatch(text.strip())
    if found is None or (found[2] and int(found[3]) > 59) or (found[1] and int(found[2]) > 59):
        raise BadMoment("Write a moment as 1:30, or as 90 for ninety seconds.")
    seconds = (int(found[1] or 0) * 60 + int(found[2] or 0)) * 60 + int(found[3])
    return seconds * 1000 + int((found[4] or "0").ljust(3, "0"))


def check_clip(begin_ms: int, end_ms: int, duration_ms: int) -> None:
    """Refuse what cannot be a trailer. Raises BadMoment."""
    if end_ms > duration_ms:
        raise BadMoment("That is behind the end of the film.")
    if end_ms - begin_ms < OWN_MS_MIN:
        raise BadMoment("The clip has to end at least a second after it begins.")
    if end_ms - begin_ms > OWN_MS_MAX:
        raise BadMoment(f"A trailer is at most {OWN_MS_MAX // 60_000} minutes long.")

"""What cannot be read of a film, how much of that is too much, and the words for it. Pure: moments in, sentences out.

What is compared is what a file holds with what its decoder makes of it. Counting errors would not do: one lost key takes
seconds of flawless pictures with it, and healthy films have packets that are no picture of their own.
Why a tenth: docs/decisions/0606-a-damaged-film-is-made-where-little-is-lost.md.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from mutoscope.platform.videos.domain.source import Unusable

# More than this part of a film is too much, unless it is no more than so many seconds.
PART_MAX = 0.1
LENIENT_S = 2.0
# Fewer pictures lost in a row are not seen.
PICTURES_MIN = 3
PLACES_NAMED_MAX = 3


@dataclass(frozen=True)
class Stretch:
    """Where the picture stands still because nothing could be read: seconds from the film's beginning."""

    start_s: float
    length_s: float


def lost_stretches(held: Sequence[float], shown: Sequence[float], *, is_broken: bool) -> list[Stretch]:
    """Where pictures are missing among those `shown`, by their moments in order, of those that the file `held`.

    Where the file holds nothing either, the film may just stand still, as recordings of a screen do; if its reader found
    it broken (`is_broken`), that is lost as well.
    """
    if not held:
        return []
    steps = sorted(after - before for before, after in pairwise(held) if after > before)
    step = steps[len(steps) // 2] if steps else 0.04
    found = []
    for before, after in pairwise((held[0] - step, *shown, held[-1] + step)):
        gap_s = after - before - step
        if gap_s < (PICTURES_MIN - 0.5) * step:
            continue
        missed = bisect_left(held, after - step / 2) - bisect_right(held, before + step / 2)
        if is_broken or missed >= PICTURES_MIN:
            found.append(Stretch(max(0.0, before + step), gap_s))
    return found


def refuse_too_much(there_s: float, missing_s: float, lost_s: float = 0.0) -> None:
    """Raises Unusable where too much of a film is damaged, with a sentence that says how much and what helps.

    `there_s` is how long the film is as far as its file goes, `missing_s` what it claims to have beyond, `lost_s` what
    could not be read in between.
    """
    whole_s, unreadable_s = there_s + missing_s, missing_s + lost_s
    if unreadable_s <= max(LENIENT_S, PART_MAX * whole_s):
        return
    if missing_s > lost_s:
        raise Unusable(
            f"This file ends too early: it should be {span(whole_s)} long, and only the first {span(there_s)} are there. "
            "Perhaps it was not copied to its end. Copy or export it again, and upload that."
        )
    raise Unusable(
        f"This file is damaged: about {span(unreadable_s)} of {span(whole_s)} cannot be read. "
        "Export the film again, and upload that."
    )


def note(missing_s: float, lost_s: float, starts_s: Sequence[float]) -> str:
    """What its creator should know of a film that was made in spite of its damage; empty where there is none."""
    sentences = []
    if lost_s > 0:
        sentences.append(
            f"About {span(lost_s)} of your file could not be read, {_places(starts_s)}: the picture stands still there."
        )
    if missing_s > 0:
        sentences.append(f"Your file ends {span(missing_s)} before it should.")
    if sentences:
        sentences.append("Watch the film there before you publish it. To mend it, export it again, and upload that.")
    return " ".join(sentences)


def span(seconds: float) -> str:
    """A length in words, as exact as anybody needs it."""
    if seconds < 1:
        return "a second"
    return f"{round(seconds)} s" if seconds < 100 else f"{round(seconds / 60)} min"


def _places(starts_s: Sequence[float]) -> str:
    named = [clock(start_s) for start_s in starts_s[:PLACES_NAMED_MAX]]
    if len(starts_s) > PLACES_NAMED_MAX:
        return f"at {', '.join(named)} and elsewhere"
    return f"at {' and '.join([', '.join(named[:-1]), named[-1]] if len(named) > 1 else named)}"


def clock(seconds: float) -> str:
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"

"""From a visit to the end of the film: how many go on at each step."""

from __future__ import annotations

from dataclasses import dataclass

from mutoscope.platform.analytics.reports.audience import Audience


@dataclass(frozen=True, slots=True)
class Step:
    """`width` beside the widest step's, for the bar; `of` names the step that it is a part of, `of_before` says which part: empty where
    neither means anything."""

    name: str
    words: str
    hint: str
    count: int
    width: str
    of: str
    of_before: str


def funnel(audience: Audience, unlocks: int, *, is_free: bool = False) -> list[Step]:
    """The steps of a film that is sold, or of one that is free. Counts are of visits, of purchases and of playbacks: not of people."""
    looked = [
        ("price", "Saw the price", "the page, by those who could not watch yet", audience.prices),
        ("trailer", "Played the trailer", "", audience.trailers),
        ("unlock", "Unlocked it", "", unlocks),
    ]
    if is_free:
        looked = [("page", "Opened the page", "", audience.pages)]
    counts = [
        *looked,
        ("view", "Began to watch", "playbacks, also of those who unlocked it earlier", audience.plays),
        ("middle", "Saw the middle", "", audience.half),
        ("end", "Saw the end", "up to the credits", audience.finished),
    ]
    widest = max((count for _, _, _, count in counts), default=0)
    # What a step is compared with: unlocking with having seen the price, for one can unlock without the trailer; watching is apart.
    bases = {"trailer": "price", "unlock": "price", "middle": "view", "end": "view"}
    by_name = {name: count for name, _, _, count in counts}
    return [
        Step(
            name,
            words,
            hint,
            count,
            f"{100 * count / widest if widest else 0:.1f}%",
            bases.get(name, ""),
            percent(count, by_name.get(bases.get(name, ""), 0)),
        )
        for name, words, hint, count in counts
    ]


def percent(part: int, whole: int) -> str:
    """A share as people read it; empty where there is nothing to share, or where it would be more than the whole."""
    if not whole or part > whole:
        return ""
    share = 100 * part / whole
    return f"{share:.1f} %" if share < 10 else f"{share:.0f} %"

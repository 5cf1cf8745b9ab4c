"""From a visit to the end of the film: how many go on at each step."""

from __future__ import annotations

from dataclasses import dataclass

from mutoscope.platform.analytics.reports.audience import Audience


@dataclass(frozen=True, slots=True)
class Step:
    """`share` of the widest step, for the bar; `of_before` in words, empty where it means nothing."""

    words: str
    hint: str
    count: int
    width: str
    of_before: str


def funnel(audience: Audience, unlocks: int, *, is_free: bool = False) -> list[Step]:
    """The steps of a film that is sold, or of one that is free. Counts are of visits, of purchases and of playbacks: not of people."""
    looked = [
        ("Saw the price", "the page, by those who could not watch yet", audience.prices),
        ("Played the trailer", "", audience.trailers),
        ("Unlocked it", "", unlocks),
    ]
    if is_free:
        looked = [("Opened the page", "", audience.pages)]
    counts = [
        *looked,
        ("Began to watch", "playbacks, also of those who unlocked it earlier", audience.plays),
        ("Saw the middle", "", audience.half),
        ("Saw the end", "up to the credits", audience.finished),
    ]
    widest = max((count for _, _, count in counts), default=0)
    # What a step is compared with: unlocking with having seen the price, for one can unlock without the trailer; watching is apart.
    bases = {"Played the trailer": audience.prices, "Unlocked it": audience.prices}
    bases |= {"Saw the middle": audience.plays, "Saw the end": audience.plays}
    return [
        Step(words, hint, count, f"{100 * count / widest if widest else 0:.1f}%", percent(count, bases.get(words, 0)))
        for words, hint, count in counts
    ]


def percent(part: int, whole: int) -> str:
    """A share as people read it; empty where there is nothing to share, or where it would be more than the whole."""
    if not whole or part > whole:
        return ""
    share = 100 * part / whole
    return f"{share:.1f} %" if share < 10 else f"{share:.0f} %"

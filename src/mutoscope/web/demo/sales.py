"""What the demo's viewers buy and give. Who they are is in people.py; what films cost, in film_list.py."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Sale:
    """One viewer: the pack they buy and with what, and what they unlock: `TERM:POINTS` by title, as the button sends it."""

    username: str
    pack_points: int
    token: str
    unlocks: Mapping[str, str]
    # Weeks ago (past.py), so that a chart has days and a payout something old enough.
    is_old: bool = True


@dataclass(frozen=True)
class TipGiven:
    username: str
    title: str
    points: int
    note: str


SALES = (
    Sale(
        "demo-viewer",
        500,
        "USDC",
        {"The Coast of a Number": "day:20", "A Colony at Night": "lifetime:90"},
        is_old=False,
    ),
    Sale(
        "demo-guest-1",
        1000,
        "SOL",
        {
            "The Coast of a Number": "lifetime:150",
            "A Colony at Night": "lifetime:90",
            "Northern Sky": "lifetime:200",
            "Rings": "lifetime:50",
        },
    ),
    Sale(
        "demo-guest-2",
        1000,
        "USDC",
        {"The Coast of a Number": "month:60", "The Loom": "day:15", "Northern Sky": "month:80", "Rings": "lifetime:50"},
    ),
    Sale(
        "demo-guest-3",
        1000,
        "SOL",
        {"The Coast of a Number": "day:20", "A Colony at Night": "month:40", "Northern Sky": "lifetime:200"},
    ),
)
# One for each film and viewer at most: the film is the key.
TIPS = (
    TipGiven("demo-guest-1", "Northern Sky", 150, "For the curtains after the tenth second."),
    TipGiven("demo-guest-2", "The Coast of a Number", 60, "I went down twice."),
    TipGiven("demo-guest-3", "Slow Light", 75, "Runs on the wall of our kitchen now."),
    TipGiven("demo-viewer", "A Colony at Night", 25, "More of these, please."),
)

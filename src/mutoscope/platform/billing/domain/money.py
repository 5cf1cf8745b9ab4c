"""Amounts: their limits, and how a price is shared out. Points and cents are whole numbers, and nothing is ever rounded twice."""

from __future__ import annotations

import re
from dataclasses import dataclass

POINTS_MAX = 1_000_000
"""The dearest film, the largest tip, the largest pack."""
CENTS_MAX = 10_000_000
BASIS_POINTS = 10_000
FEE_BPS_MAX = 9_000


class BadAmount(ValueError):
    """This is no amount that can be asked for. Its message is a sentence for whoever typed it."""


@dataclass(frozen=True, slots=True)
class Split:
    """A price in two parts that always add up to it."""

    fee_points: int
    creator_points: int


def split(price_points: int, fee_bps: int) -> Split:
    """The platform's fee and the creator's part of a price of 1 or more points, at a fee of 0 to 9,000 basis points.

    The rule: the fee is rounded down to a whole point, and the creator gets all the rest. So a fraction of a point always
    falls to the creator, the parts add up to the price, and the creator gets at least 1.
    """
    if price_points < 1:
        raise BadAmount("A price is at least 1 point.")
    if not 0 <= fee_bps <= FEE_BPS_MAX:
        raise BadAmount(f"A fee is from 0 to {FEE_BPS_MAX} basis points.")
    fee = price_points * fee_bps // BASIS_POINTS
    return Split(fee, price_points - fee)


_GROUPED = re.compile(r"[0-9]{1,3}(,[0-9]{3})+", re.ASCII)


def parse_points(typed: object, largest: int = POINTS_MAX) -> int:
    """A whole number of points from 1 to `largest`, typed or as a number. Raises BadAmount; never rounds, never guesses."""
    return _parse_whole(typed, largest, "points")


def parse_cents(typed: object) -> int:
    """A whole number of US cents, at least 1. Raises BadAmount."""
    return _parse_whole(typed, CENTS_MAX, "cents")


def _parse_whole(typed: object, largest: int, unit: str) -> int:
    if isinstance(typed, str):
        text = typed.strip()
        # As the site itself writes them, in groups of three; `1,5` is none.
        if _GROUPED.fullmatch(text[:20]):
            text = text.replace(",", "")
        # Only ASCII digits, and few enough that no number of them is slow to read.
        if not (text.isascii() and text.isdigit()) or len(text) > 12:
            raise BadAmount(f"Write a whole number of {unit}, from 1 to {largest:,}.")
        typed = int(text)
    if type(typed) is not int or not 1 <= typed <= largest:
        raise BadAmount(f"Write a whole number of {unit}, from 1 to {largest:,}.")
    return typed


def points_text(points: int) -> str:
    """Points with their unit: `1,200 points`, `1 point`."""
    return f"{points:,} point{'' if points == 1 else 's'}"

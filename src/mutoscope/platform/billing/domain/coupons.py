"""What a code takes off a price."""

from __future__ import annotations

import re
from dataclasses import dataclass

CODE_LENGTH_MAX = 24
_CODE = re.compile(rf"[A-Z0-9][A-Z0-9-]{{2,{CODE_LENGTH_MAX - 1}}}")

# Why a code takes nothing off, by what unlock/queries.sql says of it.
PROBLEMS = {
    "other": "This code is not for this film. Nothing was charged.",
    "ended": "This code has ended. Nothing was charged.",
    "early": "This code does not count yet. Nothing was charged.",
    "used up": "This code was used as often as it may be. Nothing was charged.",
    "used": "You have used this code already. Nothing was charged.",
}


class BadCode(ValueError):
    """This is no code. Its message is a sentence for whoever typed it."""


def parse_code(typed: str) -> str:
    """A code as it is kept: capitals, digits and hyphens, from three to 24 of them. Raises BadCode."""
    code = typed.strip().upper()
    if _CODE.fullmatch(code) is None:
        raise BadCode(f"A code is three to {CODE_LENGTH_MAX} letters, digits or hyphens, such as AUTUMN-25.")
    return code


@dataclass(frozen=True, slots=True)
class Discount:
    """Either a share, in whole percent from 1 to 100, or so many points."""

    percent: int | None
    points: int | None

    def off(self, due_points: int) -> int:
        """What is taken off, from 0 to all of it.

        The rule: it is taken from what is left to pay, after what an upgrade credits; a share is rounded down to a whole point, so
        a fraction of a point falls to the creator; more than everything is everything.
        """
        if self.percent is not None:
            return due_points * self.percent // 100
        assert self.points is not None
        return min(self.points, due_points)

"""What a token is worth: what a quote needs to know, and from whom."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Protocol


class NoRate(Exception):
    """There is no rate for this token that could be quoted: unknown, unreadable, unsigned, or too old."""


@dataclass(frozen=True, slots=True)
class Rate:
    """Dollars for one whole token, exactly, and as the source wrote it."""

    usd: Fraction
    text: str


class Rates(Protocol):
    """Says what tokens are worth. Not to be asked in a transaction: an adapter may have to ask somebody else."""

    def rate(self, symbol: str, /) -> Rate:
        """What one whole token is worth now. Raises NoRate."""
        ...

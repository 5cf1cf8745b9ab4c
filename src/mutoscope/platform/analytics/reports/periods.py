"""The times that a creator looks at."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

from django.utils import timezone

# A chart has room for so many bars; more days than that are drawn in weeks, and those in months of thirty days.
BARS_MAX = 100


@dataclass(frozen=True, slots=True)
class Period:
    """The last `days` days, today included; None is from the beginning."""

    name: str
    words: str
    days: int | None

    def since(self) -> date | None:
        return None if self.days is None else timezone.now().date() - timedelta(days=self.days - 1)


PERIODS = (
    Period("7", "7 days", 7),
    Period("30", "30 days", 30),
    Period("90", "90 days", 90),
    Period("all", "All", None),
)
USUAL = PERIODS[1]


def period_named(name: str) -> Period:
    """The period of this name; the usual one for any other name."""
    return next((period for period in PERIODS if period.name == name), USUAL)


def step_days(days: int) -> int:
    """How many days one bar stands for."""
    return next(step for step in (1, 7, 30, days) if days <= step * BARS_MAX)

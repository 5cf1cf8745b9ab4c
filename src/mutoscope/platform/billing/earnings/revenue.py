"""A channel's revenue by day and by film."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from django.utils import timezone

from mutoscope.platform.billing.statements import fetch


@dataclass(slots=True)
class Day:
    """One day (UTC) in the creator's own points; refunds are below zero."""

    day: date
    sales: int = 0
    sale_points: int = 0
    tip_points: int = 0
    refund_points: int = 0

    def points(self) -> int:
        return self.sale_points + self.tip_points + self.refund_points


@dataclass(frozen=True, slots=True)
class FilmRevenue:
    """One film over the same time."""

    public_id: str
    title: str
    sales: int
    days: int
    months: int
    lifetimes: int
    refunds: int
    tips: int
    points: int | None


@dataclass(frozen=True, slots=True)
class Revenue:
    """Every day of the time looked at, the empty ones too; and the films that moved."""

    days: list[Day] = field(default_factory=list)
    films: list[FilmRevenue] = field(default_factory=list)

    def points(self) -> int:
        return sum(day.points() for day in self.days)


def revenue_of(channel_id: int, days: int) -> Revenue:
    """The last `days` days, today included. Two queries."""
    today = timezone.now().date()
    first = today - timedelta(days=days - 1)
    since = datetime(first.year, first.month, first.day, tzinfo=timezone.get_current_timezone())
    found = {first + timedelta(days=n): Day(first + timedelta(days=n)) for n in range(days)}
    asked = {"channel_id": channel_id, "since": since}
    for day, what, count, points in fetch("earnings", "by_day", asked):
        row = found.setdefault(day, Day(day))
        if what == "sale":
            row.sales, row.sale_points = count, points
        elif what == "tip":
            row.tip_points = points
        else:
            row.refund_points = points
    films = [FilmRevenue(*row) for row in fetch("earnings", "by_video", asked)]
    return Revenue([found[day] for day in sorted(found)], films)

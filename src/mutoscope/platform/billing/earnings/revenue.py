"""A channel's revenue by day, by film and by term, in its own part."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any

from django.utils import timezone

from mutoscope.platform.billing.domain.terms import Term
from mutoscope.platform.billing.statements import fetch

COUNTS = ("sales", "sale_points", "tips", "tip_points", "refunds", "refund_points", "paid_points")


@dataclass(slots=True)
class Day:
    """One day (UTC), or several that begin with it, in the creator's own points; refunds are below zero."""

    day: date
    sales: int = 0
    sale_points: int = 0
    tips: int = 0
    tip_points: int = 0
    refunds: int = 0
    refund_points: int = 0
    paid_points: int = 0
    """What viewers paid, the site's fee included."""

    def points(self) -> int:
        return self.sale_points + self.tip_points + self.refund_points


@dataclass(frozen=True, slots=True)
class FilmRevenue:
    """One film over the same time: how many of each term were sold, and for how many points; what was given and taken back."""

    video_id: int
    public_id: str
    title: str
    days: int
    months: int
    lifetimes: int
    day_points: int
    month_points: int
    lifetime_points: int
    refunds: int
    refund_points: int
    tips: int
    tip_points: int

    def sales(self) -> int:
        return self.days + self.months + self.lifetimes

    def points(self) -> int:
        return self.day_points + self.month_points + self.lifetime_points + self.refund_points + self.tip_points


@dataclass(frozen=True, slots=True)
class TermRevenue:
    """What one term brought, before refunds."""

    term: Term
    sales: int
    points: int


@dataclass(frozen=True, slots=True)
class Revenue:
    """Every day of the time looked at, the empty ones too; and the films that moved, best first."""

    days: list[Day] = field(default_factory=list)
    films: list[FilmRevenue] = field(default_factory=list)

    def points(self) -> int:
        return sum(day.points() for day in self.days)

    def sales(self) -> int:
        return sum(day.sales for day in self.days)

    def paid_points(self) -> int:
        """What viewers paid; the site's fee is what is between it and `points`."""
        return sum(day.paid_points for day in self.days)

    def total(self) -> Day:
        """The whole time as one."""
        return in_steps(self.days, len(self.days))[0] if self.days else Day(timezone.now().date())

    def terms(self) -> list[TermRevenue]:
        """Every term, sold or not."""
        films = self.films
        return [
            TermRevenue(Term.DAY, sum(film.days for film in films), sum(film.day_points for film in films)),
            TermRevenue(Term.MONTH, sum(film.months for film in films), sum(film.month_points for film in films)),
            TermRevenue(
                Term.LIFETIME, sum(film.lifetimes for film in films), sum(film.lifetime_points for film in films)
            ),
        ]


def revenue_of(channel_id: int, days: int | None, video_id: int | None = None) -> Revenue:
    """The last `days` days, today included, of a channel or of one film of it; None is from the first sale on. Two queries."""
    return Revenue(days_of(channel_id, days, video_id), films_of(channel_id, days, video_id))


def days_of(channel_id: int, days: int | None, video_id: int | None = None) -> list[Day]:
    """The same, day by day; the empty ones too. One query."""
    asked = _asked(channel_id, days, video_id)
    rows = fetch("earnings", "by_day", asked)
    today = timezone.now().date()
    first = min((row[0] for row in rows), default=today) if days is None else today - timedelta(days=days - 1)
    found = {first + timedelta(days=n): Day(first + timedelta(days=n)) for n in range((today - first).days + 1)}
    for day, what, count, points, paid in rows:
        row = found.setdefault(day, Day(day))
        row.paid_points += paid
        if what == "sale":
            row.sales, row.sale_points = count, points
        elif what == "tip":
            row.tips, row.tip_points = count, points
        else:
            row.refunds, row.refund_points = count, points
    return [found[day] for day in sorted(found)]


def films_of(channel_id: int, days: int | None = None, video_id: int | None = None) -> list[FilmRevenue]:
    """The same, film by film. One query."""
    return [FilmRevenue(*row) for row in fetch("earnings", "by_video", _asked(channel_id, days, video_id))]


def _asked(channel_id: int, days: int | None, video_id: int | None) -> dict[str, Any]:
    first = None if days is None else timezone.now().date() - timedelta(days=days - 1)
    since = None if first is None else datetime(first.year, first.month, first.day, tzinfo=UTC)
    return {"channel_id": channel_id, "since": since, "video_id": video_id}


def in_steps(days: Sequence[Day], step_days: int) -> list[Day]:
    """The same in steps of so many days, the last one ending with the last day: for a chart that has no room for each."""
    if step_days == 1:
        return list(days)
    steps = []
    for end in range(len(days), 0, -step_days):
        part = days[max(end - step_days, 0) : end]
        steps.append(Day(part[0].day, **{name: sum(getattr(day, name) for day in part) for name in COUNTS}))
    return steps[::-1]

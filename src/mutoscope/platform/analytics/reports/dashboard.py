"""What the dashboard shows: revenue from the books, as it is now, beside visits and watching, as far as they were added up."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.utils import timezone

from mutoscope.platform.analytics.reports.audience import (
    Audience,
    added_up_until,
    audience_by_day,
    audience_by_film,
    retention,
    together,
)
from mutoscope.platform.analytics.reports.funnel import Step, funnel, percent
from mutoscope.platform.analytics.reports.periods import Period, step_days
from mutoscope.platform.billing.public import FilmRevenue, Revenue, RevenueDay, in_steps, revenue_of
from mutoscope.platform.videos.public import Video


@dataclass(frozen=True, slots=True)
class DayRow:
    """One bar, and one line of the table behind it."""

    day: date
    money: RevenueDay
    audience: Audience

    def label(self) -> str:
        return f"{self.day.day} {self.day:%b}"


@dataclass(frozen=True, slots=True)
class FilmRow:
    """One film in the table; `money` is None where it brought nothing in this time."""

    public_id: str
    title: str
    audience: Audience
    money: FilmRevenue | None

    def sales(self) -> int:
        return self.money.sales() if self.money else 0

    def points(self) -> int:
        return self.money.points() if self.money else 0

    def conversion(self) -> str:
        """Of those who saw the price, how many unlocked it."""
        return percent(self.sales(), self.audience.prices)


@dataclass(frozen=True, slots=True)
class Dashboard:
    """Everything about a channel, or about one film, in one period."""

    revenue: Revenue
    every_day: list[DayRow]
    bars: list[DayRow]
    """The same in steps of `step_days`, where there are more days than a chart has room for."""
    step_days: int
    audience: Audience
    steps: list[Step]
    until: datetime | None

    def money_bars(self) -> list[tuple[str, int]]:
        return [(row.label(), row.money.points()) for row in self.bars]

    def play_bars(self) -> list[tuple[str, int]]:
        return [(row.label(), row.audience.plays) for row in self.bars]

    def fee_points(self) -> int:
        """What the site kept."""
        return self.revenue.paid_points() - self.revenue.points()

    def is_empty(self) -> bool:
        return not any(self.audience) and not any(row.money.paid_points or row.money.sales for row in self.every_day)


def dashboard(channel_id: int, period: Period, video: Video | None = None) -> Dashboard:
    """The figures of a channel, or of one film of it. Four queries."""
    video_id = None if video is None else video.pk
    revenue = revenue_of(channel_id, period.days, video_id)
    by_day = audience_by_day(channel_id, period.since(), video_id)
    days = _days(revenue, by_day)
    step = step_days(len(days))
    audience = together(list(by_day.values()))
    return Dashboard(
        revenue=revenue,
        every_day=days,
        bars=_in_steps(days, step),
        step_days=step,
        audience=audience,
        steps=funnel(audience, revenue.sales(), is_free=video is not None and video.is_free),
        until=added_up_until(),
    )


def film_rows(channel_id: int, period: Period, revenue: Revenue) -> list[FilmRow]:
    """Every film of the channel that others could see, what earned most first. One query."""
    money = {film.video_id: film for film in revenue.films}
    rows = [
        FilmRow(film.public_id, film.title, film.audience, money.get(film.video_id))
        for film in audience_by_film(channel_id, period.since())
    ]
    return sorted(rows, key=lambda row: (-row.points(), -row.audience.plays))


def retention_points(video: Video, period: Period) -> list[tuple[str, int]]:
    """The curve: for each hundredth of the film its moment, and how many percent of those who began showed it. Empty where nobody did.

    A hundred percent is the most that any moment was shown: whoever skips the first seconds has begun all the same.
    """
    counts = retention(video.pk, period.since())
    most = max(counts, default=0)
    if not most:
        return []
    length_s = (video.duration_ms or 0) / 1000
    return [(clock(length_s * n / len(counts)), round(100 * count / most)) for n, count in enumerate(counts)]


def clock(seconds: float) -> str:
    """`1:02:03`, or `4:05` below an hour."""
    whole = int(seconds)
    hours, minutes = whole // 3600, whole // 60 % 60
    return f"{hours}:{minutes:02}:{whole % 60:02}" if hours else f"{minutes}:{whole % 60:02}"


def _days(revenue: Revenue, by_day: dict[date, Audience]) -> list[DayRow]:
    """Every day from the first on which anything happened, or from the beginning of the period, to today."""
    money = {day.day: day for day in revenue.days}
    today = timezone.now().date()
    first = min([*money, *by_day, today])
    every = (first + timedelta(days=n) for n in range((today - first).days + 1))
    return [DayRow(day, money.get(day, RevenueDay(day)), by_day.get(day, Audience())) for day in every]


def _in_steps(days: list[DayRow], step: int) -> list[DayRow]:
    if step == 1:
        return days
    money = in_steps([row.money for row in days], step)
    parts = [days[max(end - step, 0) : end] for end in range(len(days), 0, -step)][::-1]
    return [
        DayRow(sums.day, sums, together([row.audience for row in part]))
        for sums, part in zip(money, parts, strict=True)
    ]

"""A creator's analytics for programs: the same figures as on the pages, of the signed-in creator's own channel."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any, Literal

from django.http import HttpRequest
from ninja import Path, Query

from mutoscope.platform.analytics.api import schemas
from mutoscope.platform.analytics.reports.audience import Audience, retention
from mutoscope.platform.analytics.reports.dashboard import Dashboard, dashboard, film_rows
from mutoscope.platform.analytics.reports.periods import Period, period_named
from mutoscope.platform.billing.public import (
    NoSuchFilm,
    ProblemOut,
    RevenueDay,
    channel_asking,
    problems_api,
    revenue_of,
)
from mutoscope.platform.videos.public import Video

api = problems_api(
    title="Mutoscope: analytics",
    urls_namespace="analytics-api",
    description="What the films of your channel earned, and how far they are watched: 7, 30 or 90 days with today, or all of it. Days are UTC.",
)

PublicId = Annotated[str, Path(pattern="^[a-z0-9]{12}$")]
PeriodName = Annotated[Literal["7", "30", "90", "all"], Query()]
Before = Annotated[date | None, Query()]
Limit = Annotated[int, Query(ge=1, le=366)]
REFUSALS = {401: ProblemOut, 404: ProblemOut, 422: ProblemOut}
FILMS_A_PAGE = 100
PAGES_MAX = 10_000


@api.get("/channel", response={200: schemas.SummaryOut, **REFUSALS})
def channel(request: HttpRequest, period: PeriodName = "30") -> dict[str, Any]:
    """The whole channel: sums, terms, and from the first look to the end."""
    asked = period_named(period)
    return _summary(asked, dashboard(channel_asking(request).pk, asked))


@api.get("/days", response={200: schemas.DaysOut, **REFUSALS})
def days(request: HttpRequest, period: PeriodName = "30", before: Before = None, limit: Limit = 100) -> dict[str, Any]:
    """The channel day by day."""
    return _days(dashboard(channel_asking(request).pk, period_named(period)), before, limit)


@api.get("/films", response={200: schemas.FilmsOut, **REFUSALS})
def films(
    request: HttpRequest, period: PeriodName = "30", page: Annotated[int, Query(ge=0, le=PAGES_MAX)] = 0
) -> dict[str, Any]:
    """Film by film: every one that others could ever see."""
    channel_id, asked = channel_asking(request).pk, period_named(period)
    rows = film_rows(channel_id, asked, revenue_of(channel_id, asked.days))
    start = page * FILMS_A_PAGE
    shown = [
        {
            "public_id": row.public_id,
            "title": row.title,
            "sales": row.sales(),
            "points": row.points(),
            **_audience(row.audience),
        }
        for row in rows[start : start + FILMS_A_PAGE]
    ]
    return {"films": shown, "next_page": page + 1 if len(rows) > start + FILMS_A_PAGE else None}


@api.get("/films/{public_id}", response={200: schemas.SummaryOut, **REFUSALS})
def film(request: HttpRequest, public_id: PublicId, period: PeriodName = "30") -> dict[str, Any]:
    """One of your films: sums, terms, and from the first look to the end."""
    video, asked = _own(request, public_id), period_named(period)
    return _summary(asked, dashboard(video.channel_id, asked, video))


@api.get("/films/{public_id}/days", response={200: schemas.DaysOut, **REFUSALS})
def film_days(
    request: HttpRequest, public_id: PublicId, period: PeriodName = "30", before: Before = None, limit: Limit = 100
) -> dict[str, Any]:
    """One of your films, day by day."""
    video = _own(request, public_id)
    return _days(dashboard(video.channel_id, period_named(period), video), before, limit)


@api.get("/films/{public_id}/retention", response={200: schemas.RetentionOut, **REFUSALS})
def film_retention(request: HttpRequest, public_id: PublicId, period: PeriodName = "30") -> dict[str, Any]:
    """How far one of your films is watched: for each hundredth of it, how many playbacks showed it."""
    video = _own(request, public_id)
    counts = retention(video.pk, period_named(period).since())
    length_ms = video.duration_ms or 0
    moments = [
        {"hundredth": n, "at_ms": length_ms * n // len(counts), "playbacks": count} for n, count in enumerate(counts)
    ]
    return {"moments": moments}


def _summary(period: Period, board: Dashboard) -> dict[str, Any]:
    return {
        "since": period.since(),
        "added_up_until": board.until,
        "total": {**_money(board.revenue.total()), **_audience(board.audience)},
        "terms": board.revenue.terms(),
        "funnel": [{"name": step.name, "count": step.count, "of": step.of or None} for step in board.steps],
    }


def _days(board: Dashboard, before: date | None, limit: int) -> dict[str, Any]:
    rows = [row for row in reversed(board.every_day) if before is None or row.day < before]
    shown = [{"day": row.day, **_money(row.money), **_audience(row.audience)} for row in rows[:limit]]
    return {"days": shown, "next_before": rows[limit - 1].day if len(rows) > limit else None}


def _money(day: RevenueDay) -> dict[str, int]:
    return {
        "sales": day.sales,
        "sale_points": day.sale_points,
        "tips": day.tips,
        "tip_points": day.tip_points,
        "refunds": day.refunds,
        "refund_points": day.refund_points,
        "points": day.points(),
        "paid_points": day.paid_points,
    }


def _audience(audience: Audience) -> dict[str, int]:
    return {
        "visits": audience.pages,
        "saw_the_price": audience.prices,
        "trailers": audience.trailers,
        "views": audience.plays,
        "saw_the_middle": audience.half,
        "saw_the_end": audience.finished,
        "shown_ms": audience.shown_ms,
    }


def _own(request: HttpRequest, public_id: str) -> Video:
    """The signed-in creator's film. Raises NoSuchFilm for all others."""
    found = Video.objects.filter(public_id=public_id, channel=channel_asking(request)).first()
    if found is None:
        raise NoSuchFilm
    return found

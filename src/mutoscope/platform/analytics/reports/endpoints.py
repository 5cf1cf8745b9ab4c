"""The dashboard's pages, and each table as a file. Everything here is the signed-in creator's own."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from typing import Any, cast

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from mutoscope.platform.accounts.public import Channel, Person, channel_of, login_required
from mutoscope.platform.analytics.reports.audience import retention
from mutoscope.platform.analytics.reports.dashboard import Dashboard, clock, dashboard, film_rows, retention_points
from mutoscope.platform.analytics.reports.periods import PERIODS, Period, period_named
from mutoscope.platform.billing.public import earnings_of, spreadsheet_text
from mutoscope.platform.videos.public import Video, film_head

FILMS_SHOWN = 500


@never_cache
@login_required
@require_safe
def overview(request: HttpRequest) -> HttpResponse:
    """The channel: revenue, funnel, terms, views, films."""
    channel = channel_of(cast("Person", request.user))
    if channel is None:
        return redirect("channel-open")
    period = _period(request)
    board = dashboard(channel.pk, period)
    context = {
        **_context(channel, period, board),
        "films": film_rows(channel.pk, period, board.revenue)[:FILMS_SHOWN],
        "earned": earnings_of(channel.pk),
    }
    return render(request, "analytics/reports/overview.html", context)


@never_cache
@login_required
@require_safe
def film(request: HttpRequest, public_id: str) -> HttpResponse:
    """One film: the same, and how far it is watched."""
    channel, video = _own(request, public_id)
    period = _period(request)
    context = {
        **_context(channel, period, dashboard(channel.pk, period, video)),
        "video": video,
        "head": film_head(video),
        "retention": retention_points(video, period),
    }
    return render(request, "analytics/reports/film.html", context)


@never_cache
@login_required
@require_safe
def days_csv(request: HttpRequest, public_id: str = "") -> HttpResponse:
    """Day by day, of the channel or of one film; every day of it, however long the period."""
    channel, video = _own(request, public_id) if public_id else (_channel(request), None)
    board = dashboard(channel.pk, _period(request), video)
    head = ["day", "sales", "sale_points", "tips", "tip_points", "refunds", "refund_points", "points", "paid_points"]
    head += ["pages", "saw_the_price", "trailers", "plays", "half", "finished", "shown_seconds"]
    rows = (
        [
            row.day.isoformat(),
            *(row.money.sales, row.money.sale_points, row.money.tips, row.money.tip_points),
            *(row.money.refunds, row.money.refund_points, row.money.points(), row.money.paid_points),
            *row.audience[:-1],
            row.audience.shown_ms // 1000,
        ]
        for row in board.every_day
    )
    return _csv(f"{public_id or channel.handle}-days", head, rows)


@never_cache
@login_required
@require_safe
def films_csv(request: HttpRequest) -> HttpResponse:
    """Film by film."""
    channel, period = _channel(request), _period(request)
    board = dashboard(channel.pk, period)
    head = ["film", "title", "pages", "saw_the_price", "trailers", "plays", "half", "finished", "shown_seconds"]
    head += ["day_sales", "month_sales", "lifetime_sales", "refunds", "tips", "points"]
    rows = (
        [
            *(row.public_id, spreadsheet_text(row.title), *row.audience[:-1], row.audience.shown_ms // 1000),
            *((row.money.days, row.money.months, row.money.lifetimes) if row.money else (0, 0, 0)),
            *((row.money.refunds, row.money.tips) if row.money else (0, 0)),
            row.points(),
        ]
        for row in film_rows(channel.pk, period, board.revenue)
    )
    return _csv(f"{channel.handle}-films", head, rows)


@never_cache
@login_required
@require_safe
def retention_csv(request: HttpRequest, public_id: str) -> HttpResponse:
    """For each hundredth of a film: its moment, and how many playbacks showed it."""
    _, video = _own(request, public_id)
    counts = retention(video.pk, _period(request).since())
    length_s = (video.duration_ms or 0) / 1000
    rows = ([n, clock(length_s * n / len(counts)), count] for n, count in enumerate(counts))
    return _csv(f"{public_id}-retention", ["hundredth", "moment", "playbacks"], rows)


def _period(request: HttpRequest) -> Period:
    return period_named(request.GET.get("days", ""))


def _context(channel: Channel, period: Period, board: Dashboard) -> dict[str, Any]:
    return {"channel": channel, "period": period, "periods": PERIODS, "board": board, "total": board.revenue.total()}


def _channel(request: HttpRequest) -> Channel:
    found = channel_of(cast("Person", request.user))
    if found is None:
        raise Http404
    return found


def _own(request: HttpRequest, public_id: str) -> tuple[Channel, Video]:
    """The signed-in creator's film. Raises Http404 for all others."""
    channel = _channel(request)
    found = Video.objects.filter(public_id=public_id, channel=channel).first()
    if found is None:
        raise Http404
    return channel, found


def _csv(name: str, head: Sequence[str], rows: Iterable[Sequence[object]]) -> HttpResponse:
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(head)
    writer.writerows(rows)
    headers = {"Content-Disposition": f'attachment; filename="{name}.csv"'}
    return HttpResponse(out.getvalue(), content_type="text/csv; charset=utf-8", headers=headers)

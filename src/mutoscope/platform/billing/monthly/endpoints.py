"""A creator's monthly statements: a list, and each as a page to print, as CSV and as JSON."""

from __future__ import annotations

from typing import cast

from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from mutoscope.platform.accounts.public import Channel, Person, channel_of, login_required
from mutoscope.platform.billing.models import MonthlyStatement
from mutoscope.platform.billing.monthly.shown import (
    as_csv,
    as_document,
    corrected_by,
    figures_of,
    lines_of,
    statement_of,
)

STATEMENTS_SHOWN = 240


@never_cache
@login_required
@require_safe
def statements(request: HttpRequest) -> HttpResponse:
    """All of them, newest first."""
    channel = _channel(request)
    found = MonthlyStatement.objects.filter(channel=channel).select_related("corrects")[:STATEMENTS_SHOWN]
    return render(request, "billing/monthly/statements.html", {"channel": channel, "statements": found})


@never_cache
@login_required
@require_safe
def statement(request: HttpRequest, label: str, kind: str = "") -> HttpResponse:
    """One, by its number; `kind` is csv, json, or nothing for the page."""
    found = statement_of(_channel(request), label)
    if found is None:
        raise Http404
    if not kind:
        context = {
            "channel": found.channel,
            "statement": found,
            "figures": figures_of(found),
            "lines": lines_of(found),
            "corrected_by": corrected_by(found),
        }
        return render(request, "billing/monthly/statement.html", context)
    response: HttpResponse = (
        JsonResponse(as_document(found))
        if kind == "json"
        else HttpResponse(as_csv(found), content_type="text/csv; charset=utf-8")
    )
    response["Content-Disposition"] = f'attachment; filename="statement-{found.label()}.{kind}"'
    return response


def _channel(request: HttpRequest) -> Channel:
    found = channel_of(cast("Person", request.user))
    if found is None:
        raise Http404
    return found

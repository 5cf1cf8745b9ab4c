"""A creator's monthly statements: a list, and each as a page to print, as CSV and as JSON."""

from __future__ import annotations

from typing import cast

from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from mutoscope.platform.accounts.public import Channel, Person, channel_of, login_required
from mutoscope.platform.billing.clock import SERVER_CLOCK
from mutoscope.platform.billing.models import MonthlyStatement
from mutoscope.platform.billing.monthly.shown import (
    STATEMENT_PAGE_LINES,
    corrected_by,
    figures_of,
    head_of,
    next_statement,
    page_of,
    pages_of,
    rows_above,
    statement_of,
)
from mutoscope.platform.billing.wallet.endpoints import line_of
from mutoscope.platform.billing.wallet.files import as_csv, as_json, sent_as_file

STATEMENTS_SHOWN = 240


@never_cache
@login_required
@require_safe
def statements(request: HttpRequest) -> HttpResponse:
    """All of them, newest first."""
    channel = _channel(request)
    found = MonthlyStatement.objects.filter(channel=channel).select_related("corrects")[:STATEMENTS_SHOWN]
    context = {"channel": channel, "statements": found, "next": next_statement(timezone.now() + SERVER_CLOCK.ahead())}
    return render(request, "billing/monthly/statements.html", context)


@never_cache
@login_required
@require_safe
def statement(request: HttpRequest, label: str, kind: str = "") -> HttpResponseBase:
    """One, by its number; `kind` is csv, json, or nothing for the page."""
    found = statement_of(_channel(request), label)
    if found is None:
        raise Http404
    if not kind:
        after = line_of(request, "after", 0)
        lines, next_after = page_of(found, after, STATEMENT_PAGE_LINES)
        context = {
            "channel": found.channel,
            "statement": found,
            "figures": figures_of(found),
            "lines": lines,
            "is_first": not after,
            "brought_forward": lines[0].balance - lines[0].points if lines else 0,
            "next_after": next_after,
            "corrected_by": corrected_by(found),
        }
        return render(request, "billing/monthly/statement.html", context)
    parts = as_json(head_of(found), pages_of(found)) if kind == "json" else as_csv(pages_of(found), rows_above(found))
    return sent_as_file(parts, f"statement-{found.label()}", kind)


def _channel(request: HttpRequest) -> Channel:
    found = channel_of(cast("Person", request.user))
    if found is None:
        raise Http404
    return found

"""A channel's monthly statements."""

from __future__ import annotations

from typing import Annotated, Any

from django.http import HttpRequest
from ninja import Path, Query, Router

from mutoscope.platform.billing.api import schemas
from mutoscope.platform.billing.api.asking import P, channel_asking
from mutoscope.platform.billing.failures import NoSuchStatement
from mutoscope.platform.billing.models import MonthlyStatement
from mutoscope.platform.billing.monthly.shown import STATEMENT_PAGE_LINES, as_document, statement_of
from mutoscope.platform.billing.wallet.statement import BEFORE_MAX, PAGE_LINES

router = Router()
Label = Annotated[str, Path(pattern="^[0-9]{4}-[0-9]{6,9}$")]


@router.get("", response={200: schemas.MonthlyStatementsOut, 401: P, 404: P, 422: P})
def statements(
    request: HttpRequest,
    before: Annotated[int, Query(ge=1, le=BEFORE_MAX)] = BEFORE_MAX,
    limit: Annotated[int, Query(ge=1, le=200)] = PAGE_LINES,
) -> dict[str, Any]:
    """Your channel's statements, those issued last first."""
    issued = MonthlyStatement.objects.filter(channel=channel_asking(request), pk__lt=before).order_by("-pk")
    found = list(issued[: limit + 1])
    shown = [
        {
            "number": each.label(),
            "month": each.period(),
            "issued_at": each.issued_at,
            "closing_points": each.closing_points,
        }
        for each in found[:limit]
    ]
    return {"statements": shown, "next_before": found[limit - 1].pk if len(found) > limit else None}


@router.get("/{number}", response={200: schemas.MonthlyStatementOut, 401: P, 404: P, 422: P})
def statement(
    request: HttpRequest,
    number: Label,
    after: Annotated[int, Query(ge=0, le=BEFORE_MAX)] = 0,
    limit: Annotated[int, Query(ge=1, le=STATEMENT_PAGE_LINES)] = STATEMENT_PAGE_LINES,
) -> dict[str, Any]:
    """One of them, with the transfers of its month, oldest first: `next_after` is null on the last page."""
    found = statement_of(channel_asking(request), number)
    if found is None:
        raise NoSuchStatement
    return as_document(found, after, limit)

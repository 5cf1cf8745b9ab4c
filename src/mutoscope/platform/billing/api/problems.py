"""Errors as problem details (RFC 9457): a stable `type`, a title, a sentence, and the failure's own data."""

from __future__ import annotations

import json
import re
from typing import Any

from django.http import HttpResponse

from mutoscope.engines.services import Failure
from mutoscope.platform.billing import failures
from mutoscope.platform.billing.failures import Refused

CONTENT_TYPE = "application/problem+json"

# 404 where there is nothing, 402 where points are missing, 422 where a field is wrong, 429 where it was done too often; all else is a conflict with how things stand.
STATUSES: dict[type[Failure], int] = {
    failures.NoSuchFilm: 404,
    failures.NoSuchBundle: 404,
    failures.NoSuchCoupon: 404,
    failures.NoSuchPurchase: 404,
    failures.NoSuchTopUp: 404,
    failures.NoSuchStatement: 404,
    failures.NoSuchChannel: 404,
    failures.InsufficientPoints: 402,
    failures.Unacceptable: 422,
    failures.RequestKeyReused: 422,
    failures.CannotPayOut: 409,
    failures.TooManyTopUps: 429,
}


def problem_type(failure: type[Failure]) -> str:
    """`InsufficientPoints` as `/problems/insufficient-points`. Never changes once published."""
    return "/problems/" + re.sub(r"(?<!^)(?=[A-Z])", "-", failure.__name__).lower()


def problem(status: int, kind: str, title: str, detail: str, **further: Any) -> HttpResponse:
    """A problem document. `further` holds members of this kind of problem."""
    document = {"type": kind, "title": title, "status": status, "detail": detail, **further}
    return HttpResponse(json.dumps(document), status=status, content_type=CONTENT_TYPE)


def of_refusal(refusal: Refused) -> HttpResponse:
    """What a service refused."""
    status = STATUSES.get(type(refusal), 409)
    title = (type(refusal).__doc__ or "").split("\n")[0].rstrip(".")
    further = {**refusal.data(), "field": None if refusal.field() == "__all__" else refusal.field()}
    return problem(status, problem_type(type(refusal)), title, refusal.sentence(), **further)

"""Plain Django views. Their cross-site protection is the project's CsrfViewMiddleware: nothing here is exempt."""

from __future__ import annotations

import json
from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, JsonResponse
from django.views.decorators.http import require_GET, require_POST

from mutoscope.engines.solana.endpoints.access import may_see, owner_ref_of, token_of
from mutoscope.engines.solana.endpoints.offers import accept, find_offer
from mutoscope.engines.solana.endpoints.problems import not_found, problem
from mutoscope.engines.solana.endpoints.standing import standing
from mutoscope.engines.solana.links import payment_links
from mutoscope.engines.solana.payments.creation import KeyUsedDifferently, NowhereToReceive, PriceNotPayable
from mutoscope.engines.solana.payments.swapped import payment_model, token_model

ITEM_LENGTH_MAX = 200


@require_POST
def create(request: HttpRequest) -> JsonResponse:
    """`{"item": "..."}`, and nothing else: the project's OFFERS says what it costs. 201 with status, links and token."""
    item = _item(request)
    if item is None:
        detail = 'The body is {"item": "..."}: a name of what is sold, and no other field.'
        return problem(400, "malformed", "Malformed request", detail)
    owner = owner_ref_of(request)
    try:
        offer = find_offer(request, item)
    except PermissionDenied:
        return problem(403, "not_for_you", "Not for you", "This is not sold to you.")
    if offer is None:
        return problem(404, "not_sold", "Not sold", "Nothing of this name is sold here.")
    if not owner and not offer.to_guests:
        return problem(401, "sign_in", "Sign in first", "This is sold to people who are signed in.")
    try:
        payment = accept(offer, owner)
    except KeyUsedDifferently:
        # Somebody else's order, or its price has changed since: neither is this visitor's to learn.
        return problem(409, "already_asked", "Already asked for", "This order has a payment with other terms.")
    except (PriceNotPayable, NowhereToReceive):
        return problem(503, "cannot_be_paid", "Cannot be paid now", "The shop is not able to take this payment.")
    body = {**standing(payment), "links": payment_links(payment), "token": token_of(payment)}
    return _answer(body, 201)


@require_GET
def status(request: HttpRequest, public_id: str) -> JsonResponse:
    """How a payment stands, for its owner or with its token in the header Payment-Token. Asks no node, changes nothing."""
    payment = payment_model().objects.filter(public_id=public_id).first()
    if payment is None or not may_see(request, payment):
        return not_found()
    return _answer(standing(payment), 200)


@require_GET
def tokens(request: HttpRequest) -> JsonResponse:
    """What may be paid with: symbol, name, mint (empty for SOL), token program, decimals."""
    rows = token_model().objects.filter(is_active=True).order_by("pk")
    return _answer({"tokens": list(rows.values("symbol", "name", "mint", "program", "decimals"))}, 200)


def _item(request: HttpRequest) -> str | None:
    try:
        body = json.loads(request.body)
    except (ValueError, RecursionError):
        return None
    if not isinstance(body, dict) or set(body) != {"item"}:
        return None
    item = body["item"]
    if not isinstance(item, str) or not 0 < len(item) <= ITEM_LENGTH_MAX or "\x00" in item:
        return None
    return item


def _answer(body: dict[str, Any], code: int) -> JsonResponse:
    response = JsonResponse(body, status=code)
    response["Cache-Control"] = "no-store"
    return response

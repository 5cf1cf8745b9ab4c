"""Transaction requests: what a wallet asks that opened a `solana:https://...` link.

Wallets ask without cookies and from anywhere, so these answers are open to every origin. They tell whoever has the link what
to pay and to whom, as a transfer link does, and nothing else; they ask no node and cost the operator nothing.
"""

from __future__ import annotations

import base64
import json
from typing import Any

from django.conf import settings
from django.http import HttpRequest, JsonResponse
from django.templatetags.static import static
from django.urls import reverse
from django.utils import timezone
from django.utils.crypto import constant_time_compare, salted_hmac
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from mutoscope.engines.solana.conf import configuration
from mutoscope.engines.solana.endpoints.standing import standing
from mutoscope.engines.solana.links import paying_transaction, transaction_link
from mutoscope.engines.solana.payments.abstract import AbstractPayment
from mutoscope.engines.solana.payments.assessing import OPEN
from mutoscope.engines.solana.payments.domain.amounts import base_units
from mutoscope.engines.solana.payments.models import Price
from mutoscope.engines.solana.payments.swapped import payment_model

# SOL has no mint, and an address on the web has no empty part.
SOL = "SOL"
_SALT = "mutoscope_solana.transaction_request"


def transaction_links(request: HttpRequest, payment: AbstractPayment) -> dict[str, str]:
    """A transaction request for each token that the payment may be paid in, by mint, at this request's own host."""
    mints = Price.objects.filter(payment=payment.pk).order_by("id").values_list("token__mint", flat=True)
    return {mint: transaction_link(request.build_absolute_uri(_path(payment, mint))) for mint in mints}


@csrf_exempt
@require_http_methods(["GET", "POST", "OPTIONS"])
def transaction(request: HttpRequest, public_id: str, ticket: str, mint: str) -> JsonResponse:
    """GET: label and icon. POST `{"account": "..."}`: the unsigned transaction by which that account pays what is still due.

    Source: https://docs.solanapay.com/spec#specification-transaction-request
    """
    if request.method == "OPTIONS":
        return _answer({}, 200)
    payment = payment_model().objects.filter(public_id=public_id).first()
    if payment is None or not _is_ticket(public_id, ticket):
        return _answer({"message": "There is no such payment."}, 404)
    prices = Price.objects.filter(payment=payment.pk).select_related("token")
    price = prices.filter(token__mint="" if mint == SOL else mint).first()
    if price is None:
        return _answer({"message": "It cannot be paid in this token."}, 404)
    if request.method == "GET":
        icon = configuration().icon or static("mutoscope_solana/icon.svg")
        label = configuration().label or request.get_host()
        return _answer({"label": label, "icon": request.build_absolute_uri(icon)}, 200)
    if payment.status not in OPEN or payment.expires_at <= timezone.now():
        return _answer({"message": "This offer has ended, or it is paid: do not pay."}, 410)
    missing = standing(payment)["missing"].get(price.token.mint, "")
    due = base_units(missing, price.token.decimals) if missing else int(price.amount)
    try:
        wire = paying_transaction(payment, price.token, due, _account(request))
    except ValueError:
        return _answer({"message": 'The body is {"account": "..."}: the address of the wallet that pays.'}, 400)
    return _answer({"transaction": base64.b64encode(wire).decode(), "message": configuration().label}, 200)


def _account(request: HttpRequest) -> str:
    body = json.loads(request.body)
    account = body.get("account") if isinstance(body, dict) else None
    if not isinstance(account, str):
        raise ValueError("no account")
    return account


def _path(payment: AbstractPayment, mint: str) -> str:
    ticket = _ticket(payment.public_id, settings.SECRET_KEY)
    return reverse("mutoscope_solana:transaction", args=[payment.public_id, ticket, mint or SOL])


def _ticket(public_id: str, key: str) -> str:
    # Of its own kind: who has this link may pay, and cannot follow the payment with it.
    return salted_hmac(_SALT, public_id, secret=key, algorithm="sha256").hexdigest()[:32]


def _is_ticket(public_id: str, ticket: str) -> bool:
    keys = [settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS]
    return any([constant_time_compare(ticket, _ticket(public_id, key)) for key in keys])  # noqa: C419


def _answer(body: dict[str, Any], code: int) -> JsonResponse:
    response = JsonResponse(body, status=code)
    response["Cache-Control"] = "no-store"
    response["Access-Control-Allow-Origin"] = "*"
    response["Access-Control-Allow-Methods"] = "GET, POST, OPTIONS"
    response["Access-Control-Allow-Headers"] = "Content-Type, Content-Encoding, Accept-Encoding"
    return response

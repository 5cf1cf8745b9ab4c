"""Asking for the money of a top-up that bought no points, and seeing how far it is."""

from __future__ import annotations

from urllib.parse import quote

from allauth.account.decorators import reauthentication_required
from django.conf import settings
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from mutoscope.engines.sequences.public import random_id
from mutoscope.platform.accounts.public import login_required
from mutoscope.platform.billing.asker import person_id
from mutoscope.platform.billing.failures import Refused
from mutoscope.platform.billing.models import KEY_LENGTH_MAX, RefundAddress, TopUp, TopUpRefund
from mutoscope.platform.billing.topup_refunds.address import NameRefundAddress, NameRefundAddressInputs
from mutoscope.platform.billing.topup_refunds.left import money_left
from mutoscope.platform.billing.topup_refunds.service import (
    AskForRefund,
    AskForRefundInputs,
    EndRefund,
    EndRefundInputs,
)
from mutoscope.platform.billing.topup_refunds.shown import section_of, sums

ASKED = "Asked for. Somebody of the staff looks at it, then it is sent."


@never_cache
@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def ask(request: HttpRequest, public_id: str) -> HttpResponse:
    """GET: where it may go. POST `to=payer`, `key`: asks. POST `to=address`, `address`: makes the message to sign for it."""
    top_up = _top_up(request, public_id)
    if request.method != "POST":
        return _show(request, top_up)
    if request.POST.get("to") == "address":
        response: HttpResponse = _name(request, public_id)
        return response
    asked = AskForRefundInputs(person_id(request), public_id, request.POST.get("key", "")[:KEY_LENGTH_MAX])
    return _ask(request, top_up, asked)


@reauthentication_required  # type: ignore[untyped-decorator] # allauth has no types
def _name(request: HttpRequest, public_id: str) -> HttpResponse:
    """A stolen session alone must not say where money goes."""
    typed = request.POST.get("address", "")[:200]
    try:
        named = NameRefundAddress().call(NameRefundAddressInputs(person_id(request), public_id, typed)).named
    except Refused as refusal:
        return _show(request, _top_up(request, public_id), refusal=refusal, typed=typed)
    return redirect("top-up-refund-proof", public_id, named.nonce)


@never_cache
@login_required
@require_http_methods(["GET", "HEAD", "POST"])
@reauthentication_required  # type: ignore[untyped-decorator] # allauth has no types
def proof(request: HttpRequest, public_id: str, nonce: str) -> HttpResponse:
    """GET: the message to sign. POST `signature`: asks for the money, to that address."""
    top_up = _top_up(request, public_id)
    named = RefundAddress.objects.filter(top_up=top_up, nonce=nonce).first()
    if named is None:
        raise Http404
    if request.method != "POST":
        return _show(request, top_up, named)
    signature = request.POST.get("signature", "")[:200]
    # The message is used once, so it names the request too.
    asked = AskForRefundInputs(person_id(request), public_id, f"address:{nonce}", nonce, signature)
    return _ask(request, top_up, asked, named)


@never_cache
@login_required
@require_safe
def refunds(request: HttpRequest, public_id: str) -> HttpResponse:
    """The part of a top-up's page that says what goes back: asked for each two seconds while some is on its way."""
    return render(request, "billing/topup_refunds/section.html", section_of(_top_up(request, public_id)))


@login_required
@require_POST
def cancel(request: HttpRequest, public_id: str, number: int) -> HttpResponse:
    """Withdraw a refund that nobody approved yet."""
    refund = TopUpRefund.objects.filter(top_up=_top_up(request, public_id), pk=number).first()
    if refund is None:
        raise Http404
    try:
        EndRefund().call(EndRefundInputs(refund.pk, TopUpRefund.State.CANCELLED))
    except Refused as refusal:
        messages.error(request, refusal.sentence())
    else:
        messages.success(request, "Withdrawn. The money is still on record as yours.")
    return redirect("top-up-payment", public_id)


def _ask(
    request: HttpRequest, top_up: TopUp, asked: AskForRefundInputs, named: RefundAddress | None = None
) -> HttpResponse:
    try:
        AskForRefund().call(asked)
    except Refused as refusal:
        return _show(request, top_up, named, refusal=refusal, typed=asked.signature)
    messages.success(request, ASKED)
    return redirect("top-up-payment", top_up.public_id)


def _show(
    request: HttpRequest,
    top_up: TopUp,
    named: RefundAddress | None = None,
    *,
    refusal: Refused | None = None,
    typed: str = "",
) -> HttpResponse:
    wallet = settings.TOP_UPS["PLAY_WALLET"]
    left = money_left(top_up)
    context = {
        "top_up": top_up,
        "left": sums(left),
        "unaccepted": dict.fromkeys(each.mint for each in left if not each.is_accepted),
        "named": named,
        "may_name": settings.REFUND_ELSEWHERE,
        "refusal": refusal,
        "typed": typed,
        "key": random_id(),
        "play_wallet": f"{wallet}/?message={quote(named.message)}" if wallet and named is not None else wallet,
    }
    return render(request, "billing/topup_refunds/ask.html", context, status=200 if refusal is None else 422)


def _top_up(request: HttpRequest, public_id: str) -> TopUp:
    found = TopUp.objects.filter(person_id=person_id(request), public_id=public_id).first()
    if found is None:
        raise Http404
    return found

"""Where a creator is paid: naming an address, and signing for it."""

from __future__ import annotations

from typing import cast
from urllib.parse import quote

from allauth.account.decorators import reauthentication_required
from allauth.mfa.utils import is_mfa_enabled
from django.conf import settings
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from mutoscope.platform.accounts.public import Channel, Person, channel_of, login_required
from mutoscope.platform.billing.asker import person_id
from mutoscope.platform.billing.failures import Refused
from mutoscope.platform.billing.models import PayoutAddress
from mutoscope.platform.billing.payouts.address import NameAddress, NameAddressInputs, ProveAddress, ProveAddressInputs
from mutoscope.platform.billing.payouts.service import current_address


@never_cache
@login_required
@require_safe
def address(request: HttpRequest) -> HttpResponse:
    """Where payouts go now, and a form for another address."""
    return _show(request, _channel(request))


@never_cache
@login_required
@require_POST
@reauthentication_required  # type: ignore[untyped-decorator] # allauth has no types
def name_address(request: HttpRequest) -> HttpResponse:
    """POST `address`: makes the message that its holder has to sign."""
    channel = _channel(request)
    typed = request.POST.get("address", "")[:200]
    try:
        named = NameAddress().call(NameAddressInputs(person_id(request), typed, has_second_factor(request))).named
    except Refused as refusal:
        return _show(request, channel, refusal=refusal, typed=typed)
    return redirect("payout-address-proof", named.nonce)


@never_cache
@login_required
@require_safe
def proof(request: HttpRequest, nonce: str) -> HttpResponse:
    """The message to sign."""
    return _show(request, _channel(request), _named(request, nonce))


@never_cache
@login_required
@require_POST
@reauthentication_required  # type: ignore[untyped-decorator] # allauth has no types
def prove_address(request: HttpRequest, nonce: str) -> HttpResponse:
    """POST `signature`: payouts go to that address from now on."""
    channel, named = _channel(request), _named(request, nonce)
    signature = request.POST.get("signature", "")[:200]
    asked = ProveAddressInputs(person_id(request), nonce, signature, has_second_factor(request))
    try:
        ProveAddress().call(asked)
    except Refused as refusal:
        return _show(request, channel, named, refusal=refusal, typed=signature)
    messages.success(request, "The address is yours. Payouts go there from now on.")
    return redirect("earnings")


def _show(
    request: HttpRequest,
    channel: Channel,
    named: PayoutAddress | None = None,
    *,
    refusal: Refused | None = None,
    typed: str = "",
) -> HttpResponse:
    wallet = settings.TOP_UPS["PLAY_WALLET"]
    context = {
        "channel": channel,
        "current": current_address(channel.pk),
        "named": named,
        "may_ask": has_second_factor(request),
        "refusal": refusal,
        "typed": typed,
        "play_wallet": f"{wallet}/?message={quote(named.message)}" if wallet and named is not None else wallet,
    }
    return render(request, "billing/payouts/address.html", context, status=200 if refusal is None else 422)


def _named(request: HttpRequest, nonce: str) -> PayoutAddress:
    found = PayoutAddress.objects.filter(channel__owner_id=request.user.pk, nonce=nonce).first()
    if found is None:
        raise Http404
    return found


def _channel(request: HttpRequest) -> Channel:
    found = channel_of(cast("Person", request.user))
    if found is None:
        raise Http404
    return found


def has_second_factor(request: HttpRequest) -> bool:
    """As for the operator's pages, a password alone is enough in a sandbox only."""
    return bool(settings.SANDBOX or is_mfa_enabled(cast("Person", request.user)))

"""What a creator earned, tips and their notes, payouts; and the statement as a file."""

from __future__ import annotations

import secrets
from typing import cast

from allauth.account.decorators import reauthentication_required
from django.conf import settings
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from mutoscope.platform.accounts.public import Channel, Person, channel_of, login_required
from mutoscope.platform.billing import books
from mutoscope.platform.billing.asker import person_id
from mutoscope.platform.billing.books import Kind
from mutoscope.platform.billing.earnings.revenue import days_of, in_steps
from mutoscope.platform.billing.failures import Refused
from mutoscope.platform.billing.models import Payout, Tip
from mutoscope.platform.billing.payouts.available import earnings_of, payout_rules, unapproved_points_of
from mutoscope.platform.billing.payouts.endpoints import has_second_factor
from mutoscope.platform.billing.payouts.ports import pays_creators
from mutoscope.platform.billing.payouts.service import (
    EndPayout,
    EndPayoutInputs,
    RequestPayout,
    RequestPayoutInputs,
    current_address,
)
from mutoscope.platform.billing.payouts.shown import shown, worth_now
from mutoscope.platform.billing.tips.service import show_tip
from mutoscope.platform.billing.wallet.endpoints import before_of
from mutoscope.platform.billing.wallet.files import as_csv, as_json, sent_as_file
from mutoscope.platform.billing.wallet.statement import every_page, newest_lines

# A chart has room for so many; a longer time is drawn in weeks.
BARS_MAX = 100
PERIODS = (7, 30, 90, 365)
TIPS_SHOWN = 50
PAYOUTS_SHOWN = 50


@never_cache
@login_required
@require_safe
def earnings(request: HttpRequest) -> HttpResponse:
    """Available, held, recent; revenue by day; tips; payouts; the statement."""
    channel = channel_of(cast("Person", request.user))
    if channel is None:
        return redirect("channel-open")
    return _show(request, channel)


def _show(request: HttpRequest, channel: Channel, refusal: Refused | None = None) -> HttpResponse:
    asked = request.GET.get("days", "")
    days = next((period for period in PERIODS if str(period) == asked), 30)
    account = books.find_account(Kind.EARNINGS, channel.pk)
    lines, next_before = newest_lines(account, before_of(request), 20)
    bars = in_steps(days_of(channel.pk, days), 7 if days > BARS_MAX else 1)
    payouts = list(Payout.objects.filter(channel=channel).select_related("address")[:PAYOUTS_SHOWN])
    earned, rules = earnings_of(channel.pk), payout_rules()
    has_open_payout = any(payout.state in Payout.OPEN for payout in payouts)
    may_ask = has_second_factor(request)
    context = {
        "channel": channel,
        "earned": earned,
        "rules": rules,
        "left_at_once": rules.left_at_once(unapproved_points_of(channel.pk)),
        # A rate may have to be asked for: only where the form is shown.
        "worth": worth_now(earned.available())
        if may_ask and not has_open_payout and earned.available() >= max(rules.points_min, 1)
        else None,
        "bars": bars,
        "chart": [(f"{day.day.day} {day.day:%b}", day.points()) for day in bars],
        "days": days,
        "periods": PERIODS,
        "tips": list(Tip.objects.filter(channel=channel).select_related("video")[:TIPS_SHOWN]),
        "payouts": [shown(payout) for payout in payouts],
        "needs_address": pays_creators.get().needs_address(),
        "address": current_address(channel.pk),
        "token": settings.PAYOUT_TOKEN,
        "has_open_payout": has_open_payout,
        "may_ask": may_ask,
        "request_key": secrets.token_urlsafe(16),
        "lines": lines,
        "next_before": next_before,
        "fee_percent": f"{settings.FEE_BPS / 100:g}",
        "refusal": refusal,
    }
    return render(request, "billing/earnings/earnings.html", context, status=200 if refusal is None else 422)


@never_cache
@login_required
@require_safe
def statement(request: HttpRequest, kind: str) -> HttpResponseBase:
    """Every line of the earnings account as CSV or JSON."""
    channel = channel_of(cast("Person", request.user))
    if channel is None:
        raise Http404
    pages = every_page(books.find_account(Kind.EARNINGS, channel.pk))
    parts = as_json({"channel": channel.handle, "unit": "points"}, pages) if kind == "json" else as_csv(pages)
    return sent_as_file(parts, f"earnings-{channel.handle}", kind)


@login_required
@require_POST
@reauthentication_required  # type: ignore[untyped-decorator] # allauth has no types
def request_payout(request: HttpRequest) -> HttpResponse:
    """Ask to be paid. The password, or a passkey, was given a moment ago."""
    channel = channel_of(cast("Person", request.user))
    if channel is None:
        raise Http404
    asked = RequestPayoutInputs(
        creator_id=person_id(request),
        points=request.POST.get("points", ""),
        request_key=request.POST.get("request_key", "")[:100],
        has_second_factor=has_second_factor(request),
    )
    try:
        done = RequestPayout().call(asked)
    except Refused as refusal:
        return _show(request, channel, refusal)
    messages.success(
        request, f"Payout {done.payout.number} of {done.payout.points:,} points. {shown(done.payout).words}"
    )
    return redirect("earnings")


@login_required
@require_POST
def cancel_payout(request: HttpRequest, number: int) -> HttpResponse:
    """Take back a payout that still waits for approval."""
    payout = Payout.objects.filter(channel__owner_id=request.user.pk, number=number).first()
    if payout is None:
        raise Http404
    try:
        EndPayout().call(EndPayoutInputs(payout.pk, Payout.State.CANCELLED, by_id=person_id(request)))
    except Refused as refusal:
        messages.error(request, refusal.sentence())
    else:
        messages.success(request, f"Payout {payout.number} was cancelled. Its points are available again.")
    return redirect("earnings")


@login_required
@require_POST
def choose_tip(request: HttpRequest, number: int) -> HttpResponse:
    """Show a tip's note under its film, or do not."""
    try:
        show_tip(number, person_id(request), is_shown=request.POST.get("is_shown") == "yes")
    except Refused:
        raise Http404 from None
    return redirect("earnings")

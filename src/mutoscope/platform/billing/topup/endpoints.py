"""Choosing a pack and a token; paying; watching it arrive."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.contrib import messages
from django.core.cache import cache
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.safestring import mark_safe
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from mutoscope.engines.sequences.public import random_id
from mutoscope.engines.solana.public import Money, qr_svg
from mutoscope.platform.accounts.public import login_required
from mutoscope.platform.billing import books
from mutoscope.platform.billing.asker import person_id
from mutoscope.platform.billing.books import Kind
from mutoscope.platform.billing.failures import Refused, TooManyTopUps
from mutoscope.platform.billing.models import TopUp
from mutoscope.platform.billing.pace import place_of
from mutoscope.platform.billing.packs.service import packs_on_sale
from mutoscope.platform.billing.topup.buying import BuyPoints, BuyPointsInputs, accepted_symbols
from mutoscope.platform.billing.topup.play import PlayMoneyRefused, pay
from mutoscope.platform.billing.topup.standing import Standing, standing_of
from mutoscope.platform.billing.topup_refunds.shown import section_of

# As `random_id` makes them, and what a film's public id looks like.
KEY = re.compile(r"[A-Za-z0-9]{10,40}")
FILM = re.compile(r"[a-z0-9]{12}")
# htmx stops asking again when it gets this.
STOP_POLLING = 286
# Longer than it takes the watcher to see a payment, and short enough to try again when a kill came before it was sent.
PLAYED_FOR_S = 60


@never_cache
@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def choose(request: HttpRequest) -> HttpResponse:
    """GET `pack`, `film`: which pack, and which token. POST `pack`, `token`, `film`, `key`: opens the payment."""
    if request.method != "POST":
        return _choices(request)
    key = request.POST.get("key", "")
    asked = BuyPointsInputs(
        person_id=person_id(request),
        pack_id=_number(request.POST.get("pack", "")) or 0,
        symbol=request.POST.get("token", "")[:20],
        key=key if KEY.fullmatch(key) else random_id(),
        film=_film(request.POST.get("film", "")),
        place=place_of(request),
    )
    try:
        top_up = BuyPoints().call(asked).top_up
    except Refused as refusal:
        return _choices(request, refusal)
    return redirect("top-up-payment", top_up.public_id)


@never_cache
@login_required
@require_safe
def show(request: HttpRequest, public_id: str) -> HttpResponse:
    """What to pay, and how far it is."""
    return _show(request, public_id)


@never_cache
@login_required
@require_safe
def standing(request: HttpRequest, public_id: str) -> HttpResponse:
    """The part of that page which moves: asked for each second, until there is nothing more to come."""
    found = _standing(request, public_id)
    if found.is_credited and found.film:
        messages.success(request, f"{found.points:,} points are yours.")
        return HttpResponse(headers={"HX-Redirect": f"/watch/{found.film}"})
    if request.GET.get("saw") != found.version():
        if not _is_elsewhere(request):
            return HttpResponse(headers={"HX-Refresh": "true"})
        # Beside a film: that page stays as it is, and what is paid with is drawn anew.
        whole = _show(request, public_id)
        whole["HX-Retarget"] = whole["HX-Reselect"] = "#top-up"
        whole["HX-Reswap"] = "outerHTML"
        return whole
    status = 200 if found.is_moving() else STOP_POLLING
    context = {"standing": found, "is_sent": _is_sent(request, found)}
    return render(request, "billing/topup/standing.html", context, status=status)


@never_cache
@login_required
@require_POST
def pay_with_play_money(request: HttpRequest, public_id: str) -> HttpResponse:
    """In the sandbox: its wallet signs and sends what is missing, as a real transaction on the sandbox chain."""
    wallet = settings.TOP_UPS["PLAY_WALLET"]
    found = _standing(request, public_id)
    if wallet is None:
        raise Http404
    if not found.is_payable():
        return redirect("top-up-payment", public_id)
    # Two clicks, or whoever was killed before it saw the payment on the chain and begins anew, pay what is missing once.
    paid = f"play:{public_id}:{found.received}"
    if cache.add(paid, True, PLAYED_FOR_S):
        try:
            pay(wallet, found.link())
        except PlayMoneyRefused as refusal:
            cache.delete(paid)
            return _show(request, public_id, str(refusal))
    return redirect(reverse("top-up-payment", args=[public_id]) + "?sent")


def _choices(request: HttpRequest, refusal: Refused | None = None) -> HttpResponse:
    given = request.GET if refusal is None else request.POST
    packs = packs_on_sale()
    wanted = _number(given.get("pack", ""))
    film = _film(given.get("film", ""))
    context = {
        "balance": books.points_of(person_id(request)),
        "packs": packs,
        "wanted_id": wanted,
        "wanted": next((pack for pack in packs if pack.pk == wanted), None),
        "film": film,
        "symbols": accepted_symbols(),
        "symbol": given.get("token", ""),
        "key": random_id(),
        "refusal": refusal,
        "is_in_place": _is_elsewhere(request),
    }
    # htmx shows nothing of an answer that is an error: what was refused is said in it.
    status = 200 if refusal is None or _is_elsewhere(request) else 409
    answer = render(request, "billing/topup/choose.html", context, status=status)
    if isinstance(refusal, TooManyTopUps):
        answer.status_code = 200 if _is_elsewhere(request) else 429
        answer["Retry-After"] = str(refusal.wait_s)
    return answer


def _show(request: HttpRequest, public_id: str, refusal: str = "") -> HttpResponse:
    found = _standing(request, public_id)
    context: dict[str, Any] = {
        "standing": found,
        "balance": books.balance(Kind.POINTS, person_id(request)).posted,
        "is_play": settings.TOP_UPS["PLAY_WALLET"] is not None,
        "refusal": refusal,
        "is_in_place": _is_elsewhere(request),
        "is_sent": _is_sent(request, found),
    }
    if not found.is_payable():
        context |= section_of(TopUp.objects.get(pk=found.number))
    if found.is_payable() and not context["is_sent"]:
        link = found.link()
        # Drawn here, of a link that was made here.
        context |= {"link": link, "qr": mark_safe(qr_svg(link))}  # noqa: S308
    status = 409 if refusal and not _is_elsewhere(request) else 200
    return render(request, "billing/topup/show.html", context, status=status)


def _is_sent(request: HttpRequest, found: Standing) -> bool:
    """Sent, and not seen yet: whoever is asked once more pays twice."""
    return "sent" in request.GET and found.is_payable() and found.money is Money.NOTHING and not found.received


def _is_elsewhere(request: HttpRequest) -> bool:
    """Whether another page than a top-up's, a film's for instance, asks for a part of this one, to show it in place."""
    try:
        page = urlsplit(request.headers.get("HX-Current-URL", "")).path
    except ValueError:
        # It names no page at all, such as http://[ does.
        return False
    return bool(page) and not page.startswith(reverse("wallet"))


def _standing(request: HttpRequest, public_id: str) -> Standing:
    found = standing_of(person_id(request), public_id)
    if found is None:
        raise Http404
    return found


def _number(typed: str) -> int | None:
    return int(typed) if typed.isascii() and typed.isdigit() and len(typed) < 10 else None


def _film(typed: str) -> str:
    """A film's public id, and nothing else: no address of another site can be slipped in to go back to."""
    return typed if FILM.fullmatch(typed) else ""

"""The panel, alone and inside a film's page, and the click."""

from __future__ import annotations

import json
from dataclasses import replace

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBadRequest
from django.shortcuts import redirect, render
from django.template.loader import render_to_string
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from mutoscope.platform.accounts.public import to_sign_in
from mutoscope.platform.billing.asker import person_id
from mutoscope.platform.billing.coupons.guesses import TOO_MANY, count_wrong, may_try
from mutoscope.platform.billing.domain.coupons import CODE_LENGTH_MAX
from mutoscope.platform.billing.domain.money import BadAmount, parse_points, points_text
from mutoscope.platform.billing.domain.terms import Term
from mutoscope.platform.billing.failures import NoSuchFilm, Refused
from mutoscope.platform.billing.unlock.panel import bundles_beside, panel_for
from mutoscope.platform.billing.unlock.service import UnlockVideo, UnlockVideoInputs, UnlockVideoOutputs

VERSION_MAX = 2**31 - 1
TERMS = frozenset(Term)
UNLOCK = UnlockVideo()


@require_http_methods(["GET", "HEAD", "POST"])
def unlock(request: HttpRequest, public_id: str) -> HttpResponse:
    """GET: what the film costs, with `coupon` for what it costs then. POST `choice=TERM:POINTS` and `version`: the click; with `coupon`, where the price is told with it."""
    if request.method == "POST":
        return _click(request, public_id)
    return _show(request, public_id)


def _click(request: HttpRequest, public_id: str) -> HttpResponse:
    if request.user.pk is None:
        return to_sign_in(request, f"/watch/{public_id}")
    asked = _read(request, public_id)
    if asked is None:
        return HttpResponseBadRequest("choice must be TERM:POINTS, such as day:30, and version a number from 0.")
    if asked.coupon and not may_try(request):
        return _show(request, public_id)
    try:
        bought = UNLOCK.call(asked)
    except NoSuchFilm:
        raise Http404 from None
    except Refused as refusal:
        return _show(request, public_id, refusal=refusal)
    if "HX-Request" in request.headers:
        return _done(asked, bought)
    messages.success(request, f"Unlocked. You paid {points_text(bought.points)}.")
    return redirect(f"/watch/{public_id}")


def _read(request: HttpRequest, public_id: str) -> UnlockVideoInputs | None:
    """What the button sent; None when no button of ours sends that."""
    term, _, points = request.POST.get("choice", "").partition(":")
    version = request.POST.get("version", "")
    if term not in TERMS or not (version.isascii() and version.isdigit()) or len(version) > 10:
        return None
    coupon = request.POST.get("coupon", "").strip()[:CODE_LENGTH_MAX]
    try:
        # A code may take everything off.
        agreed = 0 if coupon and points == "0" else parse_points(points)
    except BadAmount:
        return None
    return UnlockVideoInputs(
        viewer_id=person_id(request),
        public_id=public_id,
        term=Term(term),
        agreed_points=agreed,
        version=min(int(version), VERSION_MAX),
        coupon=coupon,
    )


def _done(asked: UnlockVideoInputs, bought: UnlockVideoOutputs) -> HttpResponse:
    """The panel after the click, drawn from the receipt alone: what it says was just written, so nothing is asked again."""
    paid = points_text(bought.points) if bought.points else "nothing"
    # Without the request: it shows nothing of the site's menu, and what every page knows costs more than what it says.
    context = {
        "paid": f"{paid}, with {asked.coupon.upper()}" if asked.coupon else paid,
        "until": bought.expires_at,
        "public_id": asked.public_id,
    }
    headers = {
        "Cache-Control": "no-store",
        # The film's page listens, and starts the film where it stands.
        "HX-Trigger-After-Swap": json.dumps({"film-unlocked": {"publicId": asked.public_id}}),
    }
    return HttpResponse(render_to_string("billing/unlock/done.html", context), headers=headers)


@never_cache
def _show(request: HttpRequest, public_id: str, refusal: Refused | None = None) -> HttpResponse:
    typed = request.POST.get("coupon", "") or request.GET.get("coupon", "")
    may_look = not typed or may_try(request)
    panel = panel_for(request.user.pk, public_id, code=typed[: CODE_LENGTH_MAX + 1] if may_look else "")
    if panel is None or not (panel.is_public or panel.is_own or panel.is_live):
        raise Http404
    if not may_look:
        panel = replace(panel, code_problem=TOO_MANY)
    elif panel.code_problem:
        count_wrong(request)
    # What the viewer had chosen stays so, or the next click would buy something else.
    chosen = (request.POST.get("choice") or request.GET.get("choice", "")).partition(":")[0]
    offered = {choice.quote.term for choice in panel.choices}
    is_part = "HX-Request" in request.headers
    context = {
        "panel": panel,
        "refusal": refusal,
        "typed": typed,
        "chosen": chosen if chosen in offered else "",
        # The part that is exchanged says of them only that they are there, where there is nothing else.
        "bundles": [] if is_part and panel.choices else bundles_beside(panel, request.user.pk),
    }
    if is_part:
        # 200, or htmx would not show it: what was refused is said in the panel.
        return render(request, "billing/unlock/panel.html", context)
    return render(request, "billing/unlock/page.html", context, status=200 if refusal is None else 409)

"""A bundle's page with its click, and the studio's page of bundles."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import cast

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBadRequest
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from mutoscope.platform.accounts.public import Person, channel_of, login_required
from mutoscope.platform.billing import books
from mutoscope.platform.billing.asker import person_id
from mutoscope.platform.billing.bundles.forms import BundleForm
from mutoscope.platform.billing.bundles.making import EndBundle, EndBundleInputs, MakeBundle, MakeBundleInputs
from mutoscope.platform.billing.bundles.models import Bundle
from mutoscope.platform.billing.bundles.offers import BundleOffer, offers
from mutoscope.platform.billing.bundles.service import BuyBundle, BuyBundleInputs
from mutoscope.platform.billing.domain.money import BadAmount, parse_points, points_text
from mutoscope.platform.billing.domain.terms import FOR
from mutoscope.platform.billing.failures import DearerThanAlone, NoSuchBundle, NoSuchFilm, Refused
from mutoscope.platform.billing.packs.service import PacksNeeded, packs_for, packs_on_sale
from mutoscope.platform.billing.statements import fetch
from mutoscope.platform.videos.public import PUBLIC, Video, film_cards

BUNDLES_SHOWN = 200
FILMS_OFFERED = 500
NUMBER_DIGITS_MAX = 9


@dataclass(frozen=True, slots=True)
class BundlePage:
    """A bundle as it is offered to somebody, and what they have to pay it with."""

    offer: BundleOffer
    is_own: bool
    is_signed_in: bool
    balance: int
    packs: PacksNeeded | None

    def number(self) -> int:
        """How often they bought it before."""
        return self.offer.films[0].bought_before

    def missing_points(self) -> int:
        return max(-self.left_points(), 0)

    def left_points(self) -> int:
        return self.balance - (self.offer.quote.due_points if self.offer.quote else 0)


def bundle_page(viewer_id: int | None, public_id: str) -> BundlePage:
    """A bundle as somebody sees it. Raises NoSuchBundle."""
    bundle = Bundle.objects.select_related("channel").filter(public_id=public_id).first()
    if bundle is None:
        raise NoSuchBundle
    offer = offers([bundle], viewer_id)[0]
    balance = books.points_of(viewer_id) if viewer_id is not None else 0
    missing = offer.quote.due_points - balance if offer.quote else 0
    return BundlePage(
        offer=offer,
        is_own=viewer_id is not None and viewer_id == bundle.channel.owner_id,
        is_signed_in=viewer_id is not None,
        balance=balance,
        packs=packs_for(packs_on_sale(), missing) if missing > 0 and viewer_id is not None else None,
    )


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def bundle(request: HttpRequest, public_id: str) -> HttpResponse:
    """GET: the films and what they cost together. POST `points` and `number`: the click."""
    if request.method != "POST":
        return _show(request, public_id)
    if request.user.pk is None:
        return redirect(f"/account/login/?next=/bundles/{public_id}/")
    number = request.POST.get("number", "")
    if not (number.isascii() and number.isdigit()) or len(number) > NUMBER_DIGITS_MAX:
        return HttpResponseBadRequest("number must be a whole number from 0.")
    try:
        points = parse_points(request.POST.get("points", ""))
    except BadAmount:
        return HttpResponseBadRequest("points must be a whole number from 1.")
    try:
        bought = BuyBundle().call(BuyBundleInputs(person_id(request), public_id, points, int(number)))
    except NoSuchBundle:
        raise Http404 from None
    except Refused as refusal:
        return _show(request, public_id, refusal)
    ends_at = bought.expires_at.astimezone(UTC) if bought.expires_at is not None else None
    until = f"Watch them until {ends_at.day} {ends_at:%B %Y, %H:%M} UTC." if ends_at else "They are yours for ever."
    messages.success(request, f"Unlocked. You paid {points_text(bought.points)} for {bought.films} films. {until}")
    return redirect("bundle", public_id)


def _show(request: HttpRequest, public_id: str, refusal: Refused | None = None) -> HttpResponse:
    try:
        page = bundle_page(request.user.pk, public_id)
    except NoSuchBundle:
        raise Http404 from None
    video_ids = page.offer.video_ids()
    found = Video.objects.filter(pk__in=video_ids, state__in=PUBLIC).select_related("channel", "cover", "edition")
    videos = sorted(found, key=lambda video: video_ids.index(video.pk))
    context = {"page": page, "offer": page.offer, "films": film_cards(videos, request.user.pk), "refusal": refusal}
    return render(request, "billing/bundles/bundle.html", context, status=200 if refusal is None else 409)


@dataclass(frozen=True, slots=True)
class BundleRow:
    """One bundle as the studio and the API show it. `earned` is the creator's part."""

    pk: int
    public_id: str
    title: str
    term: str
    points: int
    made_at: datetime
    ended_at: datetime | None
    films: int
    sold: int
    earned: int

    def words(self) -> str:
        return FOR[self.term]


def bundle_rows(channel_id: int) -> list[BundleRow]:
    """A channel's bundles, newest first. One query."""
    rows = fetch("bundles", "of_channel", {"channel_id": channel_id, "id": None, "limit": BUNDLES_SHOWN})
    return [BundleRow(*row) for row in rows]


def bundle_row(channel_id: int, bundle_id: int) -> BundleRow:
    """One of them. One query."""
    (row,) = fetch("bundles", "of_channel", {"channel_id": channel_id, "id": bundle_id, "limit": 1})
    return BundleRow(*row)


@never_cache
@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def bundles(request: HttpRequest) -> HttpResponse:
    """Every bundle of the channel with what it brought, and the form that makes one."""
    channel = channel_of(cast("Person", request.user))
    if channel is None:
        return redirect("channel-open")
    sold = Video.objects.filter(channel=channel, state__in=PUBLIC, is_free=False)
    films = list(sold.values_list("public_id", "title")[:FILMS_OFFERED])
    form = BundleForm(films, request.POST if request.method == "POST" else None)
    dearer: DearerThanAlone | None = None
    if request.method == "POST" and form.is_valid():
        typed = form.cleaned_data
        # Agreed to at the price that was warned of, and at no other.
        is_agreed = request.POST.get("dearer", "").strip() == typed["points"]
        try:
            asked = MakeBundleInputs(channel, typed["title"], typed["films"], typed["term"], typed["points"], is_agreed)
            made = MakeBundle().call(asked).bundle
        except NoSuchFilm:
            raise Http404 from None
        except DearerThanAlone as warning:
            dearer = warning
        except Refused as refusal:
            form.add_error(refusal.field() if refusal.field() in form.fields else None, refusal.sentence())
        else:
            messages.success(request, f"{made.title} is on sale.")
            return redirect("bundles")
    context = {
        "form": form,
        "rows": bundle_rows(channel.pk),
        "has_films": len(films) > 1,
        "chosen": form["films"].value() or [],
        "dearer": dearer,
    }
    return render(request, "billing/bundles/bundles.html", context, status=422 if form.errors or dearer else 200)


@login_required
@require_POST
def end_bundle(request: HttpRequest, public_id: str) -> HttpResponse:
    """A bundle that nobody can buy any more."""
    channel = channel_of(cast("Person", request.user))
    if channel is None:
        raise Http404
    try:
        ended = EndBundle().call(EndBundleInputs(channel, public_id)).bundle
    except NoSuchBundle:
        raise Http404 from None
    messages.success(request, f"{ended.title} is not sold any more. Whoever bought it keeps it.")
    return redirect("bundles")

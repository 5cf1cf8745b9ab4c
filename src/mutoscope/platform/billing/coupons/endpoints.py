"""The studio's page of codes."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import cast

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from mutoscope.platform.accounts.public import Channel, Person, channel_of, login_required
from mutoscope.platform.billing.coupons.forms import CouponForm
from mutoscope.platform.billing.coupons.service import EndCoupon, EndCouponInputs, MakeCoupon, MakeCouponInputs
from mutoscope.platform.billing.failures import NoSuchCoupon, NoSuchFilm, Refused
from mutoscope.platform.billing.statements import fetch
from mutoscope.platform.videos.public import Video, VideoState

COUPONS_SHOWN = 200
FILMS_OFFERED = 500


@dataclass(frozen=True, slots=True)
class CouponRow:
    """One code as the page and the API show it; `title` None is every film. `earned` is the creator's part of what was paid with it."""

    pk: int
    code: str
    percent: int | None
    points: int | None
    title: str | None
    starts_at: datetime
    ends_at: datetime | None
    uses_max: int | None
    uses: int
    ended_at: datetime | None
    is_live: bool
    taken_off: int
    earned: int

    def last_day(self) -> date | None:
        """The last whole day (UTC) on which it counts; None without an end, or where that is within a day, as the API may have it."""
        if self.ends_at is None or self.ends_at.astimezone(UTC).time() != time():
            return None
        return self.ends_at.astimezone(UTC).date() - timedelta(days=1)


def coupon_rows(channel_id: int) -> list[CouponRow]:
    """A channel's codes, newest first. One query."""
    rows = fetch("coupons", "of_channel", {"channel_id": channel_id, "id": None, "limit": COUPONS_SHOWN})
    return [CouponRow(*row) for row in rows]


def coupon_row(channel_id: int, coupon_id: int) -> CouponRow:
    """One of them. One query."""
    (row,) = fetch("coupons", "of_channel", {"channel_id": channel_id, "id": coupon_id, "limit": 1})
    return CouponRow(*row)


@never_cache
@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def coupons(request: HttpRequest) -> HttpResponse:
    """Every code with what came of it, and the form that makes one."""
    channel = channel_of(cast("Person", request.user))
    if channel is None:
        return redirect("channel-open")
    # A film that could not be made has no price for a code to take something off.
    pricable = Video.objects.filter(channel=channel).exclude(state=VideoState.FAILED)
    films = list(pricable.values_list("public_id", "title")[:FILMS_OFFERED])
    form = CouponForm(films, request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        try:
            made = MakeCoupon().call(_asked(channel, form)).coupon
        except NoSuchFilm:
            raise Http404 from None
        except Refused as refusal:
            form.add_error(form.where(refusal.field()), refusal.sentence())
        else:
            messages.success(request, f"{made.code} counts from now on: {made.words()}.")
            return redirect("coupons")
    context = {"form": form, "rows": coupon_rows(channel.pk)}
    return render(request, "billing/coupons/coupons.html", context, status=422 if form.errors else 200)


@login_required
@require_POST
def end_coupon(request: HttpRequest, code: str) -> HttpResponse:
    """A code that nobody can use any more."""
    channel = channel_of(cast("Person", request.user))
    if channel is None:
        raise Http404
    try:
        EndCoupon().call(EndCouponInputs(channel, code))
    except NoSuchCoupon:
        raise Http404 from None
    messages.success(request, f"{code} has ended. What was bought with it stays.")
    return redirect("coupons")


def _asked(channel: Channel, form: CouponForm) -> MakeCouponInputs:
    typed = form.cleaned_data
    last_day = typed["ends_on"]
    return MakeCouponInputs(
        channel=channel,
        code=typed["code"],
        percent=typed["amount"] if typed["what"] == "percent" else None,
        points_off=typed["amount"] if typed["what"] == "points_off" else None,
        public_id=typed["film"],
        # To the end of that day.
        ends_at=datetime.combine(last_day, time(), UTC) + timedelta(days=1) if last_day else None,
        uses_max=typed["uses_max"] or None,
    )

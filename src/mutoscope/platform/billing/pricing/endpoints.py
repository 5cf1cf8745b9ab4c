"""The price tab of a film in the studio."""

from __future__ import annotations

from typing import cast

from django.conf import settings
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from mutoscope.platform.accounts.public import Person, channel_of, login_required
from mutoscope.platform.billing.asker import person_id
from mutoscope.platform.billing.domain.money import split
from mutoscope.platform.billing.domain.terms import Term
from mutoscope.platform.billing.failures import NoSuchFilm, Refused
from mutoscope.platform.billing.models import FREE
from mutoscope.platform.billing.pricing.forms import PriceForm
from mutoscope.platform.billing.pricing.service import SetPrices, SetPricesInputs, current_offers, price_history
from mutoscope.platform.videos.public import Video, film_head


@never_cache
@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def price(request: HttpRequest, public_id: str) -> HttpResponse:
    """What a film costs, and what it cost before."""
    channel = channel_of(cast("Person", request.user))
    video = Video.objects.filter(public_id=public_id, channel=channel).first() if channel else None
    if video is None:
        raise Http404
    offers = {offer.term: offer.points for offer in current_offers(video.pk)}
    initial = {"is_free": FREE in offers, **{term.value: offers.get(term.value, "") for term in Term}}
    form = PriceForm(request.POST or None, initial=initial)
    if request.method == "POST" and form.is_valid():
        try:
            done = SetPrices().call(
                SetPricesInputs(
                    creator_id=person_id(request),
                    public_id=public_id,
                    prices=form.prices(),
                    is_free=form.cleaned_data["is_free"],
                )
            )
        except NoSuchFilm:
            raise Http404 from None
        except Refused as refusal:
            form.add_error(None if refusal.field() == "__all__" else refusal.field(), refusal.sentence())
        else:
            messages.success(request, "Saved." if done.changes else "Nothing changed.")
            return redirect("film-price", public_id)
    context = {
        "form": form,
        "video": video,
        "head": film_head(video),
        "history": price_history(video.pk),
        "fee_example": split(100, settings.FEE_BPS),
    }
    return render(request, "billing/pricing/price.html", context, status=422 if form.errors else 200)

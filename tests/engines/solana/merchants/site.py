"""A shop's addresses and hooks, for tests of the endpoints."""

from __future__ import annotations

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.template import engines
from django.urls import include, path

from mutoscope.engines.solana.endpoints import Offer
from mutoscope.engines.solana.payments.swapped import payment_model
from tests.engines.solana.payments.shop import SOL, USDC

PAGE = """{% load solana_panel %}<!doctype html><html lang="en"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1"><title>Pay</title></head>
<body>{% solana_pay_panel payment success_url="/thanks/" %}</body></html>"""


def offers(request: HttpRequest, item: str) -> Offer | None:
    if item == "secret":
        raise PermissionDenied
    if item == "broken":
        return Offer({SOL: 0}, purpose="broken")
    prices = {"tea": {SOL: 500_000_000, USDC: 70_000_000}, "badge": {SOL: 500_000_000}}
    if item not in prices:
        return None
    return Offer(prices[item], purpose=f"item:{item}", to_guests=item == "badge", metadata={"item": item})


def pay(request: HttpRequest, public_id: str) -> HttpResponse:
    payment = payment_model().objects.get(public_id=public_id)
    return HttpResponse(engines["django"].from_string(PAGE).render({"payment": payment}, request))


urlpatterns = [
    path("pay/", include("mutoscope.engines.solana.endpoints.urls")),
    path("drf/", include("mutoscope.engines.solana.integrations.drf")),
    path("page/<str:public_id>/", pay),
    path("thanks/", lambda request: HttpResponse("Thanks")),
    # The operator pages, whose frame links to the rest of the site.
    path("", include("mutoscope.web.urls")),
]

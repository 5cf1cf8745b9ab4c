"""The endpoints as Django REST framework views, with its authentication and throttling. Needs the extra `drf`.

    path("api/pay/", include("mutoscope.engines.solana.integrations.drf"))

What is sold, who may see and what is answered is decided where the plain endpoints decide it.
"""

from __future__ import annotations

from typing import Any

from django.core.exceptions import PermissionDenied
from django.urls import path
from rest_framework import exceptions, serializers, status
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from mutoscope.engines.solana.endpoints import may_see, standing, token_of
from mutoscope.engines.solana.endpoints.access import owner_ref_of
from mutoscope.engines.solana.endpoints.offers import accept, find_offer
from mutoscope.engines.solana.endpoints.views import ITEM_LENGTH_MAX
from mutoscope.engines.solana.links import payment_links
from mutoscope.engines.solana.payments.creation import KeyUsedDifferently, NowhereToReceive, PriceNotPayable
from mutoscope.engines.solana.payments.swapped import payment_model, token_model


class AlreadyAsked(exceptions.APIException):
    status_code = status.HTTP_409_CONFLICT
    default_detail = "This order has a payment with other terms."
    default_code = "already_asked"


class CannotBePaid(exceptions.APIException):
    status_code = status.HTTP_503_SERVICE_UNAVAILABLE
    default_detail = "The shop is not able to take this payment."
    default_code = "cannot_be_paid"


class ItemSerializer(serializers.Serializer[Any]):
    """All that a visitor may say."""

    item = serializers.CharField(max_length=ITEM_LENGTH_MAX)


class TokenSerializer(serializers.Serializer[Any]):
    symbol = serializers.CharField()
    name = serializers.CharField()
    mint = serializers.CharField()
    program = serializers.CharField()
    decimals = serializers.IntegerField()


class CreateView(APIView):
    """Who may buy is the offer's to say, so that it is said once."""

    permission_classes = [AllowAny]

    def post(self, request: Request) -> Response:
        asked = ItemSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        owner = owner_ref_of(request)
        try:
            offer = find_offer(request, asked.validated_data["item"])
        except PermissionDenied:
            raise exceptions.PermissionDenied from None
        if offer is None:
            raise exceptions.NotFound
        if not owner and not offer.to_guests:
            raise exceptions.NotAuthenticated
        try:
            payment = accept(offer, owner)
        except KeyUsedDifferently:
            raise AlreadyAsked from None
        except (PriceNotPayable, NowhereToReceive):
            raise CannotBePaid from None
        body = {**standing(payment), "links": payment_links(payment), "token": token_of(payment)}
        return Response(body, status=status.HTTP_201_CREATED)


class StatusView(APIView):
    """For the payment's owner, or with its token. Anybody else learns nothing, not even that there is one."""

    permission_classes = [AllowAny]

    def get(self, request: Request, public_id: str) -> Response:
        payment = payment_model().objects.filter(public_id=public_id).first()
        if payment is None or not may_see(request, payment):
            raise exceptions.NotFound
        return Response(standing(payment), headers={"Cache-Control": "no-store"})


class TokensView(APIView):
    permission_classes = [AllowAny]

    def get(self, request: Request) -> Response:
        rows = token_model().objects.filter(is_active=True).order_by("pk")
        return Response({"tokens": TokenSerializer(rows, many=True).data})


app_name = "mutoscope_solana_drf"
urlpatterns = [
    path("payments/", CreateView.as_view(), name="create"),
    path("payments/<str:public_id>/", StatusView.as_view(), name="status"),
    path("tokens/", TokensView.as_view(), name="tokens"),
]

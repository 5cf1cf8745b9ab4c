"""Top-ups, and the money of theirs that bought no points."""

from __future__ import annotations

from typing import Annotated, Any

from django.http import HttpRequest
from ninja import Path, Query, Router

from mutoscope.platform.billing.api import schemas
from mutoscope.platform.billing.api.asking import REFUSALS, Key, P, signed_in_just_now
from mutoscope.platform.billing.asker import person_id
from mutoscope.platform.billing.failures import NoSuchTopUp
from mutoscope.platform.billing.models import RefundAddress, TopUp, TopUpRefund
from mutoscope.platform.billing.topup.standing import newest_top_ups
from mutoscope.platform.billing.topup_refunds.address import NameRefundAddress, NameRefundAddressInputs
from mutoscope.platform.billing.topup_refunds.left import money_left
from mutoscope.platform.billing.topup_refunds.service import AskForRefund, AskForRefundInputs
from mutoscope.platform.billing.wallet.statement import BEFORE_MAX, PAGE_LINES

router = Router()
PublicId = Annotated[str, Path(pattern="^[A-Za-z0-9]{1,22}$")]


@router.get("", response={200: schemas.TopUpsOut, 401: P, 422: P})
def top_ups(
    request: HttpRequest,
    before: Annotated[int, Query(ge=1, le=BEFORE_MAX)] = BEFORE_MAX,
    limit: Annotated[int, Query(ge=1, le=200)] = PAGE_LINES,
) -> dict[str, Any]:
    """Your top-ups, newest first."""
    found = newest_top_ups(person_id(request), limit + 1, before)
    return {"top_ups": found[:limit], "next_before": found[limit - 1].number if len(found) > limit else None}


@router.get("/{public_id}/refunds", response={200: schemas.RefundsOut, 401: P, 404: P, 422: P})
def refunds(request: HttpRequest, public_id: PublicId) -> dict[str, Any]:
    """What of a top-up's money can be sent back to you, and what was asked for."""
    top_up = TopUp.objects.filter(person_id=person_id(request), public_id=public_id).first()
    if top_up is None:
        raise NoSuchTopUp
    asked = TopUpRefund.objects.filter(top_up=top_up).select_related("address")
    refunds = [schemas.RefundOut.of(each) for each in asked]
    return {"left": money_left(top_up), "refunds": refunds}


@router.post("/{public_id}/refunds", response={200: schemas.AskedRefundsOut, **REFUSALS})
def ask(request: HttpRequest, public_id: PublicId, key: Key, asked: schemas.RefundIn) -> dict[str, Any]:
    """Ask for all of it. Somebody of the staff looks at it, then it is sent."""
    done = AskForRefund().call(AskForRefundInputs(person_id(request), public_id, key, asked.nonce, asked.signature))
    refunds = [schemas.RefundOut.of(each) for each in done.refunds]
    return {"refunds": refunds, "is_repeated": done.is_repeated}


@router.post("/{public_id}/refund-addresses", response={200: schemas.RefundAddressOut, **REFUSALS})
def name_address(request: HttpRequest, public_id: PublicId, asked: schemas.RefundAddressIn) -> RefundAddress:
    """Name another wallet than the one that paid. Its holder signs the message; ask with its nonce and the signature."""
    signed_in_just_now(request)
    return NameRefundAddress().call(NameRefundAddressInputs(person_id(request), public_id, asked.address)).named

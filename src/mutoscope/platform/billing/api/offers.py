"""Codes and bundles over the API."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated, Any

from django.http import HttpRequest
from ninja import Path, Router, Status

from mutoscope.platform.billing.api import schemas
from mutoscope.platform.billing.api.asking import CODE, REFUSALS, Key, P, PublicId, channel_asking
from mutoscope.platform.billing.asker import person_id
from mutoscope.platform.billing.bundles.endpoints import bundle_page, bundle_row, bundle_rows
from mutoscope.platform.billing.bundles.making import EndBundle, EndBundleInputs, MakeBundle, MakeBundleInputs
from mutoscope.platform.billing.bundles.service import BuyBundle, BuyBundleInputs
from mutoscope.platform.billing.coupons.endpoints import CouponRow, coupon_row, coupon_rows
from mutoscope.platform.billing.coupons.service import EndCoupon, EndCouponInputs, MakeCoupon, MakeCouponInputs

router = Router()


@router.get("/coupons", response={200: schemas.CouponsOut, 401: P, 404: P})
def coupons(request: HttpRequest) -> dict[str, Any]:
    """Your channel's codes, newest first, and what came of each."""
    return {"coupons": [_coupon(row) for row in coupon_rows(channel_asking(request).pk)]}


@router.post("/coupons", response={200: schemas.CouponOut, **REFUSALS})
def make_coupon(request: HttpRequest, asked: schemas.CouponIn) -> dict[str, Any]:
    """Make a code."""
    channel = channel_asking(request)
    made = MakeCoupon().call(
        MakeCouponInputs(
            channel=channel,
            code=asked.code,
            percent=asked.percent,
            points_off=asked.points_off,
            public_id=asked.film or "",
            ends_at=asked.ends_at,
            uses_max=asked.uses_max,
        )
    )
    return _coupon(coupon_row(channel.pk, made.coupon.pk))


@router.delete("/coupons/{code}", response={204: None, **REFUSALS})
def end_coupon(request: HttpRequest, code: Annotated[str, Path(pattern=CODE)]) -> Status[None]:
    """End a code. What was bought with it stays; ending it again changes nothing."""
    EndCoupon().call(EndCouponInputs(channel_asking(request), code))
    return Status(204, None)


def _coupon(row: CouponRow) -> dict[str, Any]:
    return {
        "code": row.code,
        "percent": row.percent,
        "points_off": row.points,
        "film_title": row.title,
        "starts_at": row.starts_at,
        "ends_at": row.ends_at,
        "uses_max": row.uses_max,
        "uses": row.uses,
        "is_live": row.is_live,
        "taken_off_points": row.taken_off,
        "earned_points": row.earned,
    }


@router.get("/bundles", response={200: schemas.MyBundlesOut, 401: P, 404: P})
def bundles(request: HttpRequest) -> dict[str, Any]:
    """Your channel's bundles, newest first, and what came of each."""
    return {"bundles": [asdict(row) for row in bundle_rows(channel_asking(request).pk)]}


@router.post("/bundles", response={200: schemas.MyBundleOut, **REFUSALS})
def make_bundle(request: HttpRequest, asked: schemas.BundleIn) -> dict[str, Any]:
    """Sell films of yours together."""
    channel = channel_asking(request)
    made = MakeBundle().call(MakeBundleInputs(channel, asked.title, asked.films, asked.term, asked.points)).bundle
    return asdict(bundle_row(channel.pk, made.pk))


@router.get("/bundles/{public_id}", response={200: schemas.BundleOut, 401: P, 404: P, 422: P})
def bundle(request: HttpRequest, public_id: PublicId) -> dict[str, Any]:
    """What a bundle costs you now."""
    page = bundle_page(person_id(request), public_id)
    offer = page.offer
    return {
        "public_id": public_id,
        "title": offer.bundle.title,
        "term": offer.bundle.term,
        "points": offer.bundle.points,
        "due_points": offer.quote.due_points if offer.quote else None,
        "number": page.number(),
        "films": len(offer.films),
        "owned_films": offer.owned_films(),
        "is_sold": offer.is_sold,
    }


@router.post("/bundles/{public_id}/unlock", response={200: schemas.BoughtBundleOut, **REFUSALS})
def buy_bundle(request: HttpRequest, public_id: PublicId, key: Key, asked: schemas.BuyBundleIn) -> dict[str, Any]:
    """Unlock every film of a bundle."""
    bought = BuyBundle().call(BuyBundleInputs(person_id(request), public_id, asked.agreed_points, asked.number, key))
    return {
        "purchase": bought.purchase_id,
        "transfer": bought.transfer_id,
        "points": bought.points,
        "films": bought.films,
        "expires_at": bought.expires_at,
        "is_repeated": bought.is_repeated,
    }


@router.delete("/bundles/{public_id}", response={204: None, **REFUSALS})
def end_bundle(request: HttpRequest, public_id: PublicId) -> Status[None]:
    """Take a bundle off sale. What was bought stays; ending it again changes nothing."""
    EndBundle().call(EndBundleInputs(channel_asking(request), public_id))
    return Status(204, None)

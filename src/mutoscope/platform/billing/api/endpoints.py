"""The API of points and prices. Each endpoint calls the same use case as the page does."""

from __future__ import annotations

from typing import Annotated, Any

from django.http import HttpRequest
from ninja import Query

from mutoscope.platform.billing import books
from mutoscope.platform.billing.api import schemas, statements, top_ups
from mutoscope.platform.billing.api.asking import CODE, REFUSALS, Key, P, PublicId, channel_asking, signed_in_just_now
from mutoscope.platform.billing.api.offers import router as offers
from mutoscope.platform.billing.api.problems import CONTENT_TYPE
from mutoscope.platform.billing.api.shape import problems_api
from mutoscope.platform.billing.asker import person_id
from mutoscope.platform.billing.books import Kind
from mutoscope.platform.billing.coupons.guesses import codes_bounded
from mutoscope.platform.billing.domain.terms import Term
from mutoscope.platform.billing.failures import BadCoupon, NoSuchFilm
from mutoscope.platform.billing.library.endpoints import PAGE_FILMS, PAGES_MAX, owned_films
from mutoscope.platform.billing.models import Pack, Payout
from mutoscope.platform.billing.packs.service import packs_on_sale
from mutoscope.platform.billing.payouts.available import earnings_of
from mutoscope.platform.billing.payouts.endpoints import has_second_factor
from mutoscope.platform.billing.payouts.service import RequestPayout, RequestPayoutInputs
from mutoscope.platform.billing.pricing.service import SetPrices, SetPricesInputs, current_offers
from mutoscope.platform.billing.tips.service import GiveTip, GiveTipInputs
from mutoscope.platform.billing.unlock.panel import panel_for
from mutoscope.platform.billing.unlock.service import UnlockVideo, UnlockVideoInputs
from mutoscope.platform.billing.wallet.statement import BEFORE_MAX, PAGE_LINES, newest_lines

api = problems_api(
    title="Mutoscope: points and prices",
    urls_namespace="billing-api",
    description="Amounts are whole points. Errors are problem details (RFC 9457). A request that moves points carries an "
    "`Idempotency-Key`: the same key again gets the same answer and moves nothing.",
)

api.add_router("/top-ups", top_ups.router)
api.add_router("/earnings/statements", statements.router)
api.add_router("", offers)

# Of payouts and statements: a database's integer.
NUMBER_MAX = 2**31 - 1


@api.get("/balance", response={200: schemas.BalanceOut, 401: P})
def balance(request: HttpRequest) -> dict[str, int]:
    """What you can spend."""
    return {"points": books.points_of(person_id(request))}


@api.get("/statement", response={200: schemas.StatementOut, 401: P, 422: P})
def statement(
    request: HttpRequest,
    before: Annotated[int, Query(ge=1, le=BEFORE_MAX)] = BEFORE_MAX,
    limit: Annotated[int, Query(ge=1, le=200)] = PAGE_LINES,
) -> dict[str, Any]:
    """Your points, newest first."""
    lines, next_before = newest_lines(books.find_account(Kind.POINTS, person_id(request)), before, limit)
    return {"lines": [line.as_dict() for line in lines], "next_before": next_before}


@api.get("/packs", response={200: list[schemas.PackOut], 401: P})
def packs(request: HttpRequest) -> list[Pack]:
    """Points on sale."""
    return packs_on_sale()


@api.get("/library", response={200: schemas.LibraryOut, 401: P, 422: P})
def library(request: HttpRequest, page: Annotated[int, Query(ge=0, le=PAGES_MAX)] = 0) -> dict[str, Any]:
    """What you unlocked, and what renewing it costs."""
    films, has_more = owned_films(person_id(request), page * PAGE_FILMS)
    shown = [
        {
            "public_id": film.public_id,
            "title": film.title,
            "channel": film.channel_handle,
            "is_unlocked": film.is_live,
            "expires_at": film.expires_at,
            "term": film.term,
            "renew_points": film.renew_points,
        }
        for film in films
    ]
    return {"films": shown, "next_page": page + 1 if has_more else None}


@api.get("/films/{public_id}", response={200: schemas.FilmOut, 401: P, 404: P, 409: P, 422: P})
def film(
    request: HttpRequest, public_id: PublicId, coupon: Annotated[str, Query(pattern=CODE)] | None = None
) -> dict[str, Any]:
    """What a film costs you now, or with a code."""
    with codes_bounded(request, coupon):
        panel = panel_for(person_id(request), public_id, code=coupon or "")
        if panel is not None and panel.code_problem:
            raise BadCoupon(why=panel.code_problem)
    if panel is None or not (panel.is_public or panel.is_own or panel.is_live):
        raise NoSuchFilm
    return {
        "public_id": public_id,
        "title": panel.title,
        "is_free": panel.is_free,
        "is_unlocked": panel.is_live,
        "unlocked_until": panel.expires_at if panel.is_live else None,
        "version": panel.version,
        "offers": [
            {
                "term": choice.quote.term,
                "points": choice.quote.price_points,
                "due_points": choice.quote.due_points,
                "discount_points": choice.quote.discount_points,
                "expires_at": choice.quote.expires_at,
            }
            for choice in panel.choices
        ],
    }


@api.post("/films/{public_id}/unlock", response={200: schemas.UnlockOut, **REFUSALS})
def unlock(request: HttpRequest, public_id: PublicId, key: Key, asked: schemas.UnlockIn) -> dict[str, Any]:
    """Unlock a film."""
    with codes_bounded(request, asked.coupon):
        bought = UnlockVideo().call(
            UnlockVideoInputs(
                viewer_id=person_id(request),
                public_id=public_id,
                term=Term(asked.term),
                agreed_points=asked.agreed_points,
                version=asked.version,
                coupon=asked.coupon or "",
                request_key=key,
            )
        )
    return {
        "purchase": bought.purchase_id,
        "transfer": bought.transfer_id,
        "points": bought.points,
        "expires_at": bought.expires_at,
        "is_repeated": bought.is_repeated,
    }


@api.post("/films/{public_id}/tips", response={200: schemas.TipOut, **REFUSALS})
def tip(request: HttpRequest, public_id: PublicId, key: Key, asked: schemas.TipIn) -> dict[str, Any]:
    """Give the creator of a film points."""
    given = GiveTip().call(
        GiveTipInputs(person_id(request), public_id, asked.points, key, asked.note, asked.may_be_shown)
    )
    return {"points": given.points, "is_repeated": given.is_repeated}


@api.put("/films/{public_id}/prices", response={200: schemas.PricesOut, **REFUSALS})
def prices(request: HttpRequest, public_id: PublicId, asked: schemas.PricesIn) -> dict[str, Any]:
    """Say what a film of yours costs. The same prices again change nothing."""
    wanted = {Term(term): points for term in Term if (points := getattr(asked, term.value)) is not None}
    done = SetPrices().call(SetPricesInputs(person_id(request), public_id, wanted, asked.is_free))
    now = {offer.term: offer.points for offer in current_offers(done.video.pk)}
    return {**{term.value: now.get(term.value) for term in Term}, "is_free": asked.is_free}


@api.get("/earnings", response={200: schemas.EarningsOut, 401: P, 404: P})
def earnings(request: HttpRequest) -> dict[str, int]:
    """What your channel earned."""
    earned = earnings_of(channel_asking(request).pk)
    return {
        "posted": earned.posted,
        "available": earned.available(),
        "held": earned.held,
        "recent": earned.recent,
    }


@api.get("/earnings/statement", response={200: schemas.StatementOut, 401: P, 404: P, 422: P})
def earnings_statement(
    request: HttpRequest,
    before: Annotated[int, Query(ge=1, le=BEFORE_MAX)] = BEFORE_MAX,
    limit: Annotated[int, Query(ge=1, le=200)] = PAGE_LINES,
) -> dict[str, Any]:
    """Your channel's account, newest first."""
    account = books.find_account(Kind.EARNINGS, channel_asking(request).pk)
    lines, next_before = newest_lines(account, before, limit)
    return {"lines": [line.as_dict() for line in lines], "next_before": next_before}


@api.get("/payouts", response={200: schemas.PayoutsOut, 401: P, 404: P, 422: P})
def payouts(
    request: HttpRequest,
    before: Annotated[int, Query(ge=1, le=NUMBER_MAX)] = NUMBER_MAX,
    limit: Annotated[int, Query(ge=1, le=200)] = PAGE_LINES,
) -> dict[str, Any]:
    """Your payouts, newest first: how each stands, what it is paid with, where to, and by which transaction."""
    newest = Payout.objects.filter(channel=channel_asking(request), number__lt=before).select_related("address")
    found = list(newest.order_by("-number")[: limit + 1])
    next_before = found[limit - 1].number if len(found) > limit else None
    return {"payouts": [schemas.PayoutOut.of(each) for each in found[:limit]], "next_before": next_before}


@api.post("/payouts", response={200: schemas.PayoutOut, **REFUSALS})
def request_payout(request: HttpRequest, key: Key, asked: schemas.PayoutIn) -> schemas.PayoutOut:
    """Ask to be paid. The password, or a passkey, was given a moment ago."""
    signed_in_just_now(request)
    asked_for = RequestPayoutInputs(person_id(request), asked.points, key, has_second_factor(request))
    return schemas.PayoutOut.of(RequestPayout().call(asked_for).payout)


__all__ = ["CONTENT_TYPE", "api"]

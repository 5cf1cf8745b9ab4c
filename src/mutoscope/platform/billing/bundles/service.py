"""Buying a bundle."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.conf import settings
from django.db import IntegrityError
from django.db.models import Q

from mutoscope.engines.ledger import Transfer
from mutoscope.engines.postgres.errors import violated
from mutoscope.engines.services import Internals, Outputs, Service, State, Steps, atomic, when
from mutoscope.platform.billing import books
from mutoscope.platform.billing.bundles.models import Bundle, BundlePurchase
from mutoscope.platform.billing.clock import SERVER_CLOCK, Clock
from mutoscope.platform.billing.domain import bundles
from mutoscope.platform.billing.domain.bundles import BundleQuote
from mutoscope.platform.billing.domain.money import Split
from mutoscope.platform.billing.domain.terms import Term, Until
from mutoscope.platform.billing.failures import (
    ChangedMeanwhile,
    InsufficientPoints,
    NoSuchBundle,
    NotForSale,
    OwnFilm,
    PriceChanged,
    RequestKeyReused,
    YoursForever,
)
from mutoscope.platform.billing.statements import fetch
from mutoscope.platform.videos.public import PUBLIC

LOCK_CLASS = 70_401


@dataclass(frozen=True)
class BuyBundleInputs:
    viewer_id: int
    public_id: str
    agreed_points: int
    """What the viewer was told that it costs. Nothing is charged but this."""
    number: int | None = None
    """How many times they had bought it before, as the page said; None takes it as it stands, for callers with a request key."""
    request_key: str = ""


@dataclass(frozen=True, slots=True)
class Film:
    """What `films` saw of one film, by the names of its columns."""

    now: datetime
    video_id: int
    state: str
    is_free: bool
    version: int
    has_entitlement: bool
    expires_at: datetime | None
    bought_before: int

    def runs_until(self) -> Until | None:
        return Until(self.expires_at) if self.has_entitlement else None


class BuyBundleInternals(Internals):
    bundle: Bundle
    done: BundlePurchase | None
    films: list[Film]
    quote: BundleQuote
    fee_points: int
    transfer_id: int


class BuyBundleOutputs(Outputs):
    purchase_id: int
    transfer_id: int
    points: int
    films: int
    expires_at: datetime | None
    is_repeated: bool


Buying = State[BuyBundleInputs, BuyBundleInternals, BuyBundleOutputs]


class BuyBundle(Service[BuyBundleInputs, BuyBundleInternals, BuyBundleOutputs]):
    """One click for several films: one transfer, and an entitlement for each film that is not owned for as long already."""

    failures = (
        NoSuchBundle,
        NotForSale,
        OwnFilm,
        YoursForever,
        PriceChanged,
        ChangedMeanwhile,
        InsufficientPoints,
        RequestKeyReused,
    )

    def steps(self) -> Steps[BuyBundleInputs, BuyBundleInternals, BuyBundleOutputs]:
        return (
            self.find_the_bundle,
            atomic(
                self.take_turns,
                self.look,
                when(self.was_done_before, self.answer_as_before),
                when(
                    self.is_new,
                    self.refuse_what_is_not_sold,
                    self.work_out_the_price,
                    self.refuse_another_price,
                    self.pay,
                    self.write_receipts,
                ),
                savepoint=True,
            ),
        )

    def __init__(self, clock: Clock = SERVER_CLOCK) -> None:
        self.clock = clock

    def find_the_bundle(self, buying: Buying) -> None:
        found = Bundle.objects.select_related("channel").filter(public_id=buying.inputs.public_id).first()
        if found is None:
            raise NoSuchBundle
        buying.internals.bundle = found

    def take_turns(self, buying: Buying) -> None:
        """The viewer's clicks on bundles, then the entitlements; the ledger's accounts after them, as every purchase does."""
        asked = {"viewer_id": buying.inputs.viewer_id, "bundle_id": buying.internals.bundle.pk}
        fetch("bundles", "take_turns", {**asked, "lock_class": LOCK_CLASS})
        fetch("bundles", "lock", asked)

    def look(self, buying: Buying) -> None:
        """What is there, after everybody before has finished."""
        asked, work = buying.inputs, buying.internals
        work.films = films_of_bundle(work.bundle.pk, asked.viewer_id, self.clock)
        mine = BundlePurchase.objects.filter(viewer_id=asked.viewer_id)
        work.done = mine.filter(request_key=asked.request_key).first() if asked.request_key else None
        if work.done is None and asked.number is not None:
            # The click that a page sent twice: what it bought still runs.
            runs = Q(expires_at=None) | Q(expires_at__gt=work.films[0].now)
            same = mine.filter(runs, bundle=work.bundle, number=asked.number, refunded_at__isnull=True)
            work.done = same.first()

    def was_done_before(self, buying: Buying) -> bool:
        return buying.internals.done is not None

    def answer_as_before(self, buying: Buying) -> None:
        done = buying.internals.done
        assert done is not None
        if done.bundle_id != buying.internals.bundle.pk:
            raise RequestKeyReused
        self._answer(buying, done, is_repeated=True)

    def is_new(self, buying: Buying) -> bool:
        return buying.internals.done is None

    def refuse_what_is_not_sold(self, buying: Buying) -> None:
        """A bundle that ended, or one of whose films was withdrawn or became free."""
        asked, work = buying.inputs, buying.internals
        if work.bundle.channel.owner_id == asked.viewer_id:
            raise OwnFilm
        if not is_sold(work.bundle, work.films):
            raise NotForSale(term=work.bundle.term, thing="bundle")
        if asked.number is not None and asked.number != work.films[0].bought_before:
            raise ChangedMeanwhile

    def work_out_the_price(self, buying: Buying) -> None:
        """Without the films that are owned for at least as long."""
        work = buying.internals
        try:
            work.quote = quote_for(work.bundle, work.films)
        except bundles.NothingToAdd:
            raise YoursForever from None

    def refuse_another_price(self, buying: Buying) -> None:
        """Ask again rather than charge what nobody agreed to, higher or lower."""
        agreed, due = buying.inputs.agreed_points, buying.internals.quote.due_points
        if agreed != due:
            raise PriceChanged(agreed_points=agreed, points=due)

    def pay(self, buying: Buying) -> None:
        """One transfer for all of it."""
        asked, work = buying.inputs, buying.internals
        paid = work.quote.due_points
        work.fee_points = sum(bundles.fees([paid], settings.FEE_BPS))
        parts = Split(work.fee_points, paid - work.fee_points)
        legs = books.sale_legs(asked.viewer_id, work.bundle.channel_id, parts)
        about = {"for": "bundle", "bundle": work.bundle.pk, "title": work.bundle.title, "term": work.bundle.term}
        key = f"bundle:{asked.viewer_id}:{work.bundle.pk}:{work.films[0].bought_before}"
        work.transfer_id = books.post(Transfer(key, legs, about), ChangedMeanwhile).transfer_id

    def write_receipts(self, buying: Buying) -> None:
        """One of the whole, and for each film its share with its entitlement."""
        asked, work = buying.inputs, buying.internals
        quote, now = work.quote, work.films[0].now
        bought = BundlePurchase.objects.create(
            bundle=work.bundle,
            viewer_id=asked.viewer_id,
            number=work.films[0].bought_before,
            price_points=quote.price_points,
            owned_points=quote.owned_points,
            fee_points=work.fee_points,
            creator_points=quote.due_points - work.fee_points,
            bought_at=now,
            expires_at=quote.expires_at,
            transfer_id=work.transfer_id,
            request_key=asked.request_key,
        )
        added = [(film, part) for film, part in zip(work.films, quote.parts, strict=True) if not part.is_owned]
        paid = [part.share_points for _, part in added]
        try:
            fetch(
                "bundles",
                "write",
                {
                    "viewer_id": asked.viewer_id,
                    "channel_id": work.bundle.channel_id,
                    "term": work.bundle.term,
                    "now": now,
                    "transfer_id": work.transfer_id,
                    "bundle_purchase_id": bought.pk,
                    "video_ids": [film.video_id for film, _ in added],
                    "versions": [film.version for film, _ in added],
                    "paid": paid,
                    "fees": bundles.fees(paid, settings.FEE_BPS),
                    "starts_at": [part.starts_at for _, part in added],
                    "expires_at": [part.expires_at for _, part in added],
                    "is_upgrade": [part.is_upgrade for _, part in added],
                },
            )
        except IntegrityError as refused:
            if violated(refused) not in ("billing_purchase_once", "billing_entitlement_once"):
                raise
            # One of its films was bought alone in this moment, for the first time: nothing is written, and the page shows how it stands.
            raise ChangedMeanwhile from None
        self._answer(buying, bought, is_repeated=False)

    @staticmethod
    def _answer(buying: Buying, bought: BundlePurchase, *, is_repeated: bool) -> None:
        out = buying.outputs
        out.purchase_id, out.transfer_id, out.expires_at = bought.pk, bought.transfer_id, bought.expires_at
        out.points, out.is_repeated = bought.fee_points + bought.creator_points, is_repeated
        out.films = len(buying.internals.films)


def films_of_bundle(bundle_id: int, viewer_id: int | None, clock: Clock = SERVER_CLOCK) -> list[Film]:
    """A bundle's films in their order, with what somebody has of each. One query."""
    return films_of_bundles([bundle_id], viewer_id, clock)[bundle_id]


def films_of_bundles(
    bundle_ids: Sequence[int], viewer_id: int | None, clock: Clock = SERVER_CLOCK
) -> dict[int, list[Film]]:
    """The same of several bundles, by their ids. One query."""
    asked = {"ahead": clock.ahead(), "bundle_ids": list(bundle_ids), "viewer_id": viewer_id}
    found: dict[int, list[Film]] = {bundle_id: [] for bundle_id in bundle_ids}
    for bundle_id, *row in fetch("bundles", "films", asked):
        found[bundle_id].append(Film(*row))
    return found


def is_sold(bundle: Bundle, films: list[Film]) -> bool:
    """Whether it can be bought: not ended, and every film of it on show and not free."""
    return bundle.ended_at is None and all(film.state in PUBLIC and not film.is_free for film in films)


def quote_for(bundle: Bundle, films: list[Film]) -> BundleQuote:
    """What it costs whoever has these. Raises NothingToAdd."""
    return bundles.quote(Term(bundle.term), bundle.points, [film.runs_until() for film in films], films[0].now)

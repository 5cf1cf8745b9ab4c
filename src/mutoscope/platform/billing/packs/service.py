"""Packs that are on sale, and points that the house gives."""

from __future__ import annotations

from dataclasses import dataclass

from django.conf import settings
from django.db.models import Q
from django.db.models.functions import Now

from mutoscope.engines.ledger import Transfer, credit, debit
from mutoscope.engines.services import Internals, Outputs, Service, State, Steps, atomic
from mutoscope.platform.billing import books
from mutoscope.platform.billing.books import Kind
from mutoscope.platform.billing.domain import packs as rules
from mutoscope.platform.billing.domain.money import BadAmount, parse_points
from mutoscope.platform.billing.failures import RequestKeyReused, Unacceptable
from mutoscope.platform.billing.models import KEY_LENGTH_MAX, Grant, Pack
from mutoscope.platform.billing.reasons import given_reason


def packs_on_sale() -> list[Pack]:
    """What can be bought now, in the operator's order."""
    begun = Pack.objects.filter(on_sale_from__lte=Now())
    return list(begun.filter(Q(on_sale_until__isnull=True) | Q(on_sale_until__gt=Now())))


def refuse_paid_out_for_more(points: int, price_usd_cents: int) -> None:
    """Whoever makes a pack asks this first. Raises PaidOutForMore, by what a creator gets for a point now."""
    rules.check(points, price_usd_cents, settings.PAYOUT_POINT_USD)


def paid_out_usd_cents(pack: Pack) -> int:
    """What creators get at most for the points of this pack, bonus included, by what they get for a point now."""
    return rules.paid_out_usd_cents(pack.total_points(), settings.PAYOUT_POINT_USD)


def packs_paid_out_for_more() -> list[tuple[Pack, rules.PaidOutForMore]]:
    """Packs on sale, now or later, that print money since the worth of a point was changed. One query."""
    found = []
    for pack in Pack.objects.filter(Q(on_sale_until__isnull=True) | Q(on_sale_until__gt=Now())):
        try:
            refuse_paid_out_for_more(pack.total_points(), pack.price_usd_cents)
        except rules.PaidOutForMore as problem:
            found.append((pack, problem))
    return found


@dataclass(frozen=True, slots=True)
class PacksNeeded:
    """What brings the points that are missing: one pack, or where no single one is enough, several of the largest."""

    pack: Pack
    count: int

    def points(self) -> int:
        return self.count * self.pack.total_points()

    def price_usd_cents(self) -> int:
        return self.count * self.pack.price_usd_cents


def packs_for(packs: list[Pack], missing_points: int) -> PacksNeeded | None:
    """The cheapest pack that brings at least the points that are missing; where none does, so many of the largest; None without packs."""
    fitting = [pack for pack in packs if pack.total_points() >= missing_points]
    if fitting:
        return PacksNeeded(min(fitting, key=lambda pack: (pack.price_usd_cents, pack.total_points())), 1)
    if not packs:
        return None
    largest = max(packs, key=lambda pack: (pack.total_points(), -pack.price_usd_cents))
    return PacksNeeded(largest, -(-missing_points // largest.total_points()))


@dataclass(frozen=True)
class GrantPointsInputs:
    person_id: int
    points: object
    reason: str
    key: str
    """What the caller calls this grant; the same again gives nothing more."""
    by_id: int | None = None


class GrantPointsInternals(Internals):
    points: int
    reason: str


class GrantPointsOutputs(Outputs):
    transfer_id: int
    is_repeated: bool


Granting = State[GrantPointsInputs, GrantPointsInternals, GrantPointsOutputs]


class GrantPoints(Service[GrantPointsInputs, GrantPointsInternals, GrantPointsOutputs]):
    """The house gives somebody points: to try the site, or to make up for something."""

    failures = (Unacceptable, RequestKeyReused)

    def steps(self) -> Steps[GrantPointsInputs, GrantPointsInternals, GrantPointsOutputs]:
        return (self.read_what_was_typed, atomic(self.post, savepoint=True))

    def read_what_was_typed(self, granting: Granting) -> None:
        asked, work = granting.inputs, granting.internals
        try:
            work.points = parse_points(asked.points)
        except BadAmount as problem:
            raise Unacceptable(where="points", why=str(problem)) from None
        work.reason = given_reason(asked.reason)
        if asked.by_id == asked.person_id:
            raise Unacceptable(where="person", why="Nobody gives themselves points.")
        if not 0 < len(asked.key) <= KEY_LENGTH_MAX:
            raise Unacceptable(where="key", why=f"A key has 1 to {KEY_LENGTH_MAX} characters.")

    def post(self, granting: Granting) -> None:
        asked, work = granting.inputs, granting.internals
        mine = books.account(Kind.POINTS, asked.person_id)
        transfer = Transfer(
            f"grant:{asked.key}",
            (debit(books.account(Kind.GIVEN), work.points), credit(mine, work.points)),
            {"for": "grant", "reason": work.reason},
        )
        receipt = books.post(transfer, RequestKeyReused)
        granting.outputs.transfer_id, granting.outputs.is_repeated = receipt.transfer_id, receipt.repeated
        if not receipt.repeated:
            Grant.objects.create(
                person_id=asked.person_id,
                by_id=asked.by_id,
                points=work.points,
                reason=work.reason,
                key=asked.key,
                transfer_id=receipt.transfer_id,
            )

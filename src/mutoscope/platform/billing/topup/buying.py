"""Asking for points: a pack, a token, and a quote that is fixed from here on."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from django.conf import settings

from mutoscope.engines.services import Internals, Outputs, Service, State, Steps, atomic, when
from mutoscope.engines.solana import public as solana
from mutoscope.engines.solana.wallets import PoolEmpty
from mutoscope.platform.accounts.public import Person
from mutoscope.platform.billing.failures import CannotTopUp, RequestKeyReused, TooManyTopUps
from mutoscope.platform.billing.models import Pack, TopUp
from mutoscope.platform.billing.pace import Pace
from mutoscope.platform.billing.packs.service import packs_on_sale
from mutoscope.platform.billing.statements import fetch
from mutoscope.platform.billing.topup.ports import NoRate, Rate, Rates
from mutoscope.platform.billing.topup.rates import configured_rates

# Each payment takes a one-time wallet, which is its own for ever.
OPEN_MAX = 10
TOO_MANY_OPEN = (
    f"{OPEN_MAX} of your top-ups wait to be paid. Pay one of those, which your wallet lists, or come back in a few minutes: "
    "what is not paid ends by itself. Nothing was charged."
)
HOUR_S = 3600
NOBODY_RECEIVES = "This site takes no payments at the moment. Nothing was charged."


@dataclass(frozen=True)
class BuyPointsInputs:
    person_id: int
    pack_id: int
    symbol: str
    """The token to pay with: one of those that the operator accepts."""
    key: str
    """What the page calls this order: the same again is the same payment, at the same quote."""
    film: str = ""
    """The film to go back to, by its public id."""
    place: str = ""
    """Where the person asks from (`pace.place_of`); empty where nobody asks over the network."""


class BuyPointsInternals(Internals):
    pack: Pack
    token: Any
    rate: Rate
    prices: dict[str, int]
    key: str
    is_known: bool


class BuyPointsOutputs(Outputs):
    top_up: TopUp


Buying = State[BuyPointsInputs, BuyPointsInternals, BuyPointsOutputs]


class BuyPoints(Service[BuyPointsInputs, BuyPointsInternals, BuyPointsOutputs]):
    """Opens a payment for a pack: order, quote and payment in one transaction. No node is asked anything."""

    failures = (CannotTopUp, TooManyTopUps, RequestKeyReused)

    def __init__(self, rates: Callable[[], Rates] = configured_rates) -> None:
        super().__init__()
        self._rates = rates

    def steps(self) -> Steps[BuyPointsInputs, BuyPointsInternals, BuyPointsOutputs]:
        # What was asked before is answered as it was, though its pack ended or its token has no rate any more.
        return (
            self.find_known,
            when(
                self.is_new,
                self.find_pack,
                self.find_token,
                # Before the transaction: a source may have to ask somebody.
                self.quote,
                atomic(
                    self.take_turns,
                    self.find_known,
                    when(self.is_new, self.refuse_too_many, self.refuse_too_often, self.open_payment),
                    savepoint=True,
                ),
            ),
        )

    def find_known(self, buying: Buying) -> None:
        """The payment that was opened for this very order, at the quote that it was given, whatever the rate is now."""
        asked, work = buying.inputs, buying.internals
        work.key = f"top-up:{asked.person_id}:{asked.key}"
        known = TopUp.objects.filter(
            payment_id__in=solana.payment_model().objects.filter(idempotency_key=work.key).values("pk")
        ).first()
        work.is_known = known is not None
        if known is not None:
            if not _is_same(known, asked):
                raise RequestKeyReused()
            buying.outputs.top_up = known

    def is_new(self, buying: Buying) -> bool:
        return not buying.internals.is_known

    def find_pack(self, buying: Buying) -> None:
        pack = next((pack for pack in packs_on_sale() if pack.pk == buying.inputs.pack_id), None)
        if pack is None:
            raise CannotTopUp(why="This pack is not on sale any more. Nothing was charged: choose another.")
        buying.internals.pack = pack

    def find_token(self, buying: Buying) -> None:
        token = solana.token_model().objects.filter(symbol=buying.inputs.symbol, is_active=True).order_by("pk").first()
        if token is None:
            raise CannotTopUp(why="This token is not accepted here. Nothing was charged: choose another.")
        buying.internals.token = token

    def quote(self, buying: Buying) -> None:
        """The price in the chosen token, and in every other that has a rate: money that came in one of those counts as well."""
        work = buying.internals
        rates = self._rates()
        try:
            work.rate = rates.rate(work.token.symbol)
            work.prices = {work.token.mint: _amount(work.pack, work.rate, work.token)}
        except (NoRate, solana.NotPayable):
            why = f"What {work.token.symbol} is worth is not known well enough right now. Nothing was charged: try another token, or again in a minute."
            raise CannotTopUp(why=why) from None
        for other in solana.token_model().objects.filter(is_active=True).exclude(pk=work.token.pk):
            with contextlib.suppress(NoRate, solana.NotPayable):
                work.prices[other.mint] = _amount(work.pack, rates.rate(other.symbol), other)

    def take_turns(self, buying: Buying) -> None:
        """One after the other for each person, before either looks or counts what is open. Rows that refer to the person need not wait."""
        Person.objects.select_for_update(no_key=True).get(pk=buying.inputs.person_id)

    def refuse_too_many(self, buying: Buying) -> None:
        if fetch("topup", "open_unpaid", {"person_id": buying.inputs.person_id})[0][0] >= OPEN_MAX:
            raise CannotTopUp(why=TOO_MANY_OPEN)

    def refuse_too_often(self, buying: Buying) -> None:
        """What ends unpaid, or is paid with dust, took a one-time wallet all the same: so many in an hour, for a person and for an address."""
        asked = buying.inputs
        # A person's are counted by their rows, which are exact under the lock; an address has none.
        rows = fetch("topup", "wait", {"person_id": asked.person_id, "hourly_max": settings.TOP_UPS["HOURLY_MAX"]})
        wait_s = rows[0][0] if rows else 0
        if not wait_s and asked.place:
            pace = Pace("top-ups", settings.TOP_UPS["HOURLY_MAX_ADDRESS"], HOUR_S)
            wait_s = pace.wait_s(asked.place)
            if not wait_s:
                pace.count(asked.place)
        if wait_s:
            raise TooManyTopUps(wait_s=wait_s)

    def open_payment(self, buying: Buying) -> None:
        asked, work = buying.inputs, buying.internals
        try:
            payment = solana.create_payment(
                work.prices,
                purpose=f"pack:{work.pack.pk}",
                owner_ref=f"person:{asked.person_id}",
                idempotency_key=work.key,
                expires_after_s=settings.TOP_UPS["QUOTE_LIFETIME_S"],
            )
        except (solana.NowhereToReceive, PoolEmpty):
            raise CannotTopUp(why=NOBODY_RECEIVES) from None
        except solana.PriceNotPayable:
            raise CannotTopUp(
                why="This pack cannot be paid with this token. Nothing was charged: choose another."
            ) from None
        except solana.KeyUsedDifferently:
            raise RequestKeyReused() from None
        buying.outputs.top_up, _ = TopUp.objects.get_or_create(
            payment_id=payment.pk,
            defaults={
                "person_id": asked.person_id,
                "pack": work.pack,
                "points": work.pack.points,
                "bonus_points": work.pack.bonus_points,
                "price_usd_cents": work.pack.price_usd_cents,
                "mint": work.token.mint,
                "rate_usd": work.rate.text,
                "film": asked.film,
                "public_id": payment.public_id,
            },
        )


def _is_same(known: TopUp, asked: BuyPointsInputs) -> bool:
    """Whether this was what was asked for: the pack, the token, and where to go back to."""
    chosen = solana.token_model().objects.filter(mint=known.mint, symbol=asked.symbol)
    return known.pack_id == asked.pack_id and known.film == asked.film and chosen.exists()


def _amount(pack: Pack, rate: Rate, token: Any) -> int:
    """The pack's price in base units of this token, rounded up to the next. Raises NotPayable."""
    dollars = Fraction(pack.price_usd_cents, 100)
    return solana.rounded_up(dollars / rate.usd, token.decimals)


def accepted_symbols() -> list[str]:
    """The tokens that can be paid with now: accepted by the operator, and with a rate that may be quoted."""
    if not settings.MUTOSCOPE_SOLANA["RPC"]:
        return []
    rates = configured_rates()
    symbols = list(solana.token_model().objects.filter(is_active=True).order_by("pk").values_list("symbol", flat=True))
    return [symbol for symbol in dict.fromkeys(symbols) if _has_rate(rates, symbol)]


def _has_rate(rates: Rates, symbol: str) -> bool:
    try:
        rates.rate(symbol)
    except NoRate:
        return False
    return True

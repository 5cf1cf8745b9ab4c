"""Asking the signer to empty one-time wallets, and to close their accounts."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import timedelta
from fractions import Fraction

from django.conf import settings

from mutoscope.engines.services import Internals, Outputs, Service, State, Steps
from mutoscope.engines.solana.payments.abstract import AbstractToken
from mutoscope.engines.solana.payments.collecting import request_reclaims, request_sweeps
from mutoscope.engines.solana.public import token_model
from mutoscope.platform.billing.statements import fetch
from mutoscope.platform.billing.topup.ports import NoRate, Rates
from mutoscope.platform.billing.topup.rates import configured_rates

# Of either, in one turn: the signer puts several into one transaction, and the next turn takes the rest.
PAYMENTS_AT_ONCE = 200
# What the signer refused is asked again a day later: a cap was raised by then, or an account filled.
PATIENCE = timedelta(days=1)


@dataclass(frozen=True)
class CollectMoneyInputs:
    payments_at_once: int = PAYMENTS_AT_ONCE


class CollectMoneyInternals(Internals):
    to_sweep: list[str]
    to_reclaim: list[str]


class CollectMoneyOutputs(Outputs):
    sweeps: int
    """How many jobs there are now, asked for before or this time."""
    reclaims: int


Collecting = State[CollectMoneyInputs, CollectMoneyInternals, CollectMoneyOutputs]


class CollectMoney(Service[CollectMoneyInputs, CollectMoneyInternals, CollectMoneyOutputs]):
    """What ended payments left in one-time wallets is swept, if it is worth it and nobody may want it back; then their rent comes back."""

    def steps(self) -> Steps[CollectMoneyInputs, CollectMoneyInternals, CollectMoneyOutputs]:
        # No transaction around both: rates are asked in between, and each request is whole by itself.
        return (self.find_what_to_sweep, self.find_what_to_close, self.ask_the_signer)

    def __init__(self, rates: Rates | None = None) -> None:
        self._rates = rates

    def find_what_to_sweep(self, collecting: Collecting) -> None:
        least = {token.pk: self._least(token) for token in token_model().objects.all()}
        asked = {
            "tokens": list(least),
            "minima": list(least.values()),
            "held_for": held_for(),
            "patience": PATIENCE,
            "limit": collecting.inputs.payments_at_once,
        }
        collecting.internals.to_sweep = [row[0] for row in fetch("sweeps", "unswept", asked)]

    def find_what_to_close(self, collecting: Collecting) -> None:
        asked = {"patience": PATIENCE, "limit": collecting.inputs.payments_at_once}
        collecting.internals.to_reclaim = [row[0] for row in fetch("sweeps", "empty", asked)]

    def ask_the_signer(self, collecting: Collecting) -> None:
        work, out = collecting.internals, collecting.outputs
        # Without names the engine takes all there are.
        out.sweeps = request_sweeps(work.to_sweep, patience=PATIENCE) if work.to_sweep else 0
        out.reclaims = request_reclaims(work.to_reclaim, patience=PATIENCE) if work.to_reclaim else 0

    def _least(self, token: AbstractToken) -> int:
        """The base units of a token that are worth the operator's least. One where it has no rate: nobody can say that it is little."""
        try:
            rate = (self._rates or configured_rates()).rate(token.symbol)
        except NoRate:
            return 1
        tokens: Fraction = Fraction(settings.SWEEP_USD_MIN) / rate.usd
        one: int = 10**token.decimals
        return max(1, math.ceil(tokens * one))


def held_for() -> timedelta:
    """How long money that bought no points stays where it came to."""
    return timedelta(days=settings.SWEEP_HOLD_DAYS)


@dataclass(frozen=True, slots=True)
class Holding:
    """How much of a token lies somewhere: `amount` base units in `accounts` accounts or transactions."""

    place: str
    symbol: str
    decimals: int
    amount: int
    accounts: int


def holdings() -> list[Holding]:
    """Where the money is that came in, by the records; the audit says whether the chain agrees with them."""
    rows = fetch("sweeps", "holdings", {"held_for": held_for()})
    return [Holding(row[0], row[1], row[2], int(row[3]), row[4]) for row in rows]

"""Crediting what was paid for. What leads here, from a pack to a final payment, is the chain's side."""

from __future__ import annotations

from dataclasses import dataclass

from mutoscope.engines.ledger import Leg, Transfer, credit, debit
from mutoscope.engines.services import NoInternals, Outputs, Service, State, Steps, atomic
from mutoscope.platform.billing import books
from mutoscope.platform.billing.books import Kind
from mutoscope.platform.billing.domain.money import POINTS_MAX
from mutoscope.platform.billing.failures import RequestKeyReused, Unacceptable


@dataclass(frozen=True)
class CreditTopUpInputs:
    person_id: int
    payment_id: int
    """The payment that is final. One payment is credited once, however often this is called."""
    points: int
    bonus_points: int = 0


class CreditTopUpOutputs(Outputs):
    transfer_id: int
    is_repeated: bool


Crediting = State[CreditTopUpInputs, NoInternals, CreditTopUpOutputs]


class CreditTopUp(Service[CreditTopUpInputs, NoInternals, CreditTopUpOutputs]):
    """A payment became final: its points are credited, exactly once, by a transfer that names it."""

    failures = (Unacceptable, RequestKeyReused)

    def steps(self) -> Steps[CreditTopUpInputs, NoInternals, CreditTopUpOutputs]:
        return (self.check_amounts, atomic(self.credit, savepoint=True))

    def check_amounts(self, crediting: Crediting) -> None:
        asked = crediting.inputs
        if type(asked.points) is not int or not 1 <= asked.points <= POINTS_MAX:
            raise Unacceptable(where="points", why=f"Points are a whole number from 1 to {POINTS_MAX:,}.")
        if type(asked.bonus_points) is not int or not 0 <= asked.bonus_points <= POINTS_MAX:
            raise Unacceptable(where="bonus_points", why=f"Bonus points are a whole number from 0 to {POINTS_MAX:,}.")

    def credit(self, crediting: Crediting) -> None:
        asked = crediting.inputs
        legs: tuple[Leg, ...] = (
            debit(books.account(Kind.ISSUED), asked.points),
            credit(books.account(Kind.POINTS, asked.person_id), asked.points + asked.bonus_points),
        )
        if asked.bonus_points:
            legs = (*legs, debit(books.account(Kind.GIVEN), asked.bonus_points))
        about = {"for": "top-up", "payment": asked.payment_id}
        receipt = books.post(Transfer(f"top-up:{asked.payment_id}", legs, about), RequestKeyReused)
        crediting.outputs.transfer_id, crediting.outputs.is_repeated = receipt.transfer_id, receipt.repeated

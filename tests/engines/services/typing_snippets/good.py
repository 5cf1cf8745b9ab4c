"""mypy has nothing to say about this one."""

from __future__ import annotations

from dataclasses import dataclass

from mutoscope.engines.services import Failure, Internals, NoInternals, Outputs, Service, State, Steps, atomic, when


@dataclass(frozen=True)
class Inputs:
    amount: int


class Working(Internals):
    price: int


class Results(Outputs):
    paid: int


class TooLittle(Failure):
    """Too little."""

    needed: int


class Pay(Service[Inputs, Working, Results]):
    failures = (TooLittle,)

    def steps(self) -> Steps[Inputs, Working, Results]:
        return (self.look_up, when(self.is_due, atomic(self.pay, when(self.is_due, self.pay)), self.pay))

    def look_up(self, state: State[Inputs, Working, Results]) -> None:
        state.internals.price = state.inputs.amount

    def is_due(self, state: State[Inputs, Working, Results]) -> bool:
        return state.internals.price > 0

    def pay(self, state: State[Inputs, Working, Results]) -> None:
        if state.internals.price < 1:
            raise TooLittle(needed=1)
        state.outputs.paid = state.internals.price


class Plain(Service[Inputs, NoInternals, Results]):
    def steps(self) -> Steps[Inputs, NoInternals, Results]:
        return (self.only,)

    def only(self, state: State[Inputs, NoInternals, Results]) -> None:
        state.outputs.paid = Pay().call(Inputs(amount=state.inputs.amount)).paid


paid: int = Plain().call(Inputs(amount=3)).paid

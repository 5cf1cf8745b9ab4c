"""Each line marked `# E: code` is a mistake that mypy must report there, with that code; no other line may be reported."""

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
    needed: int


Run = State[Inputs, Working, Results]


class Misspelt(Service[Inputs, Working, Results]):
    def steps(self) -> Steps[Inputs, Working, Results]:
        return (self.one,)

    def one(self, state: Run) -> None:
        state.internals.pryce = 1  # E: attr-defined
        _ = state.inputs.amuont  # E: attr-defined
        state.outputs.payd = 1  # E: attr-defined
        state.inputs.amount = 2  # E: misc
        state.internals = Working()  # E: misc


class WrongType(Service[Inputs, Working, Results]):
    def steps(self) -> Steps[Inputs, Working, Results]:
        return (self.one,)

    def one(self, state: Run) -> None:
        state.internals.price = "1"  # E: assignment
        state.outputs.paid = None  # E: assignment
        raise TooLittle(needed="much")  # E: arg-type


class NoSuchStep(Service[Inputs, Working, Results]):
    def steps(self) -> Steps[Inputs, Working, Results]:
        return (
            self.one,
            self.two,  # E: attr-defined
            atomic(
                self.one,
                self.three,  # E: attr-defined
            ),
        )

    def one(self, state: Run) -> None:
        return None


class NoSteps(Service[Inputs, Working, Results]):
    pass


class NotAStep(Service[Inputs, Working, Results]):
    def steps(self) -> Steps[Inputs, Working, Results]:
        return (self.two_arguments,)  # E: return-value

    def two_arguments(self, state: Run, more: int) -> None:
        return None


class StepOfAnother(Service[Inputs, NoInternals, Results]):
    def steps(self) -> Steps[Inputs, NoInternals, Results]:
        return (self.one,)  # E: return-value

    def one(self, state: Run) -> None:
        return None


class NotACondition(Service[Inputs, Working, Results]):
    def steps(self) -> Steps[Inputs, Working, Results]:
        return (when(self.one, self.one),)  # E: arg-type

    def one(self, state: Run) -> None:
        return None


NoSteps()  # E: abstract
Misspelt().call(Working())  # E: arg-type
paid: str = Misspelt().call(Inputs(amount=1)).paid  # E: assignment
TooLittle(1)  # E: call-arg
TooLittle(neded=1)  # E: call-arg

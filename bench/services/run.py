"""What a service's frame costs around steps that do next to nothing: microseconds a call, median of interleaved runs."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass

from mutoscope.engines.services import Internals, LogObserver, Outputs, Service, State, Steps, observing, when

ROUNDS = 15
CALLS = 5_000


@dataclass(frozen=True)
class Inputs:
    amount: int
    viewer: str


class Working(Internals):
    price: int
    fee: int


class Results(Outputs):
    paid: int
    left: int


Run = State[Inputs, Working, Results]


class FiveSteps(Service[Inputs, Working, Results]):
    """Four steps and one under a condition, each reading one attribute and writing one."""

    def steps(self) -> Steps[Inputs, Working, Results]:
        return (self.price, self.fee, when(self.is_due, self.pay), self.left)

    def price(self, run: Run) -> None:
        run.internals.price = run.inputs.amount

    def fee(self, run: Run) -> None:
        run.internals.fee = run.internals.price // 10

    def is_due(self, run: Run) -> bool:
        return run.internals.price > 0

    def pay(self, run: Run) -> None:
        run.outputs.paid = run.internals.price + run.internals.fee

    def left(self, run: Run) -> None:
        run.outputs.left = 1000 - run.outputs.paid


def plain(inputs: Inputs) -> tuple[int, int]:
    """The same as a bare function: the floor."""
    price = inputs.amount
    fee = price // 10
    paid = price + fee if price > 0 else 0
    return paid, 1000 - paid


def main() -> None:
    service = FiveSteps()
    log = LogObserver()

    def watched() -> None:
        with observing(log):
            for _ in range(CALLS):
                service.call(Inputs(30, "ann"))

    def called() -> None:
        for _ in range(CALLS):
            service.call(Inputs(30, "ann"))

    def bare() -> None:
        for _ in range(CALLS):
            plain(Inputs(30, "ann"))

    ways: dict[str, Callable[[], None]] = {"bare function": bare, "service": called, "service, watched": watched}
    seen: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(ROUNDS):
        for name, way in ways.items():
            began = time.perf_counter()
            way()
            seen[name].append((time.perf_counter() - began) / CALLS * 1e6)
    floor = statistics.median(seen["bare function"])
    print("\n### services: one call with five steps, microseconds (reach: overhead under 25)\n")
    print("| way | µs a call | overhead |\n|---|---|---|")
    for name, figures in seen.items():
        median = statistics.median(figures)
        print(f"| {name} | {median:.2f} | {median - floor:.2f} |")

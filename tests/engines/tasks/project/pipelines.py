"""Pipelines of every shape, for the tests to run. Units note what they do in the table `notes` or in RAN."""

from __future__ import annotations

import functools
import time
from dataclasses import dataclass

from django.db import connection

from mutoscope.engines.tasks.pipelines.context import UnitContext
from mutoscope.engines.tasks.pipelines.pipeline import Pipeline
from mutoscope.engines.tasks.pipelines.units import AsyncUnit, Step, Unit, each, parallel
from mutoscope.engines.tasks.queue.policy import Declined, Policy
from tests.engines.tasks.project import tasks


@dataclass(frozen=True)
class Film:
    name: str
    heights: tuple[int, ...]


@dataclass(frozen=True)
class Facts:
    film: Film
    seconds: float


@dataclass(frozen=True)
class Plan:
    heights: list[int]
    seconds: float


@dataclass(frozen=True)
class Rendition:
    height: int
    bytes: int


class Probe(Unit[Film, Facts]):
    def run(self, context: UnitContext, value: Film) -> Facts:
        tasks.note("probe")
        return Facts(value, 12.5)


class MakePlan(Unit[Facts, Plan]):
    key = "plan"

    def run(self, context: UnitContext, value: Facts) -> Plan:
        tasks.note("plan")
        return Plan(list(value.film.heights), value.seconds)


def heights(plan: Plan) -> list[int]:
    return plan.heights


class Encode(Unit[int, Rendition]):
    weight = 8
    policy = Policy(attempts_max=3, backoff_s=0.01)

    def run(self, context: UnitContext, value: int) -> Rendition:
        tasks.note(f"encode {value}")
        context.report(0.5, f"{value} lines")
        return Rendition(value, value * 1000)


class Check(Unit[Rendition, Rendition]):
    def run(self, context: UnitContext, value: Rendition) -> Rendition:
        tasks.note(f"check {value.height}")
        return value


class Package(Unit[list[Rendition], int]):
    def run(self, context: UnitContext, value: list[Rendition]) -> int:
        tasks.note("package")
        return sum(rendition.bytes for rendition in value)


class Sprites(AsyncUnit[int, str]):
    async def run(self, context: UnitContext, value: int) -> str:
        tasks.note("sprites")
        return f"sprites of {value}"


class Cover(Unit[int, str]):
    def run(self, context: UnitContext, value: int) -> str:
        tasks.note("cover")
        return f"cover of {context.output_of(MakePlan).seconds} s"


class Publish(Unit[tuple[str, str], str]):
    atomic = True

    def run(self, context: UnitContext, value: tuple[str, str]) -> str:
        tasks.note("publish")
        return ", ".join(value)


FILM = Pipeline(
    "film",
    Probe()
    >> MakePlan()
    >> each(Encode() >> Check(), by=heights)
    >> Package()
    >> parallel(Sprites(), Cover())
    >> Publish(),
)


class Stumble(Unit[str, str]):
    """Fails while the gate is shut."""

    policy = Policy(attempts_max=1)

    def run(self, context: UnitContext, value: str) -> str:
        tasks.note("stumble")
        if not tasks.GATE.is_set():
            raise ValueError("the gate is shut")
        return value + " stumbled"


class Refuse(Unit[str, str]):
    """Declines whatever it is given, with it for a sentence."""

    def run(self, context: UnitContext, value: str) -> str:
        raise Declined(value)


REFUSING = Pipeline("refusing", Refuse())


class Before(Unit[str, str]):
    def run(self, context: UnitContext, value: str) -> str:
        tasks.note("before")
        return value + " began"


class After(Unit[str, str]):
    def run(self, context: UnitContext, value: str) -> str:
        tasks.note("after")
        return value + " ended"


STUMBLING = Pipeline("stumbling", Before() >> Stumble() >> After())


class AtTheGate(Unit[str, str]):
    """Waits, at the end of its run, until the gate is open."""

    def run(self, context: UnitContext, value: str) -> str:
        return tasks.wait_at_the_gate(value)


GATED = Pipeline("gated", Before() >> AtTheGate())


class Add(Unit[int, int]):
    def run(self, context: UnitContext, value: int) -> int:
        return value + 1


class AddAsync(AsyncUnit[int, int]):
    async def run(self, context: UnitContext, value: int) -> int:
        return value + 1


def steps_of(unit: type[Unit[int, int]] | type[AsyncUnit[int, int]], number: int) -> Step[int, int]:
    """That many steps, one after another, each of its own key."""
    steps: list[Step[int, int]] = [type(f"{unit.__name__}{place}", (unit,), {})() for place in range(number)]
    return functools.reduce(lambda one, other: one >> other, steps)


LONG = Pipeline("long", steps_of(Add, 30))
LONG_ASYNC = Pipeline("long async", steps_of(AddAsync, 30))


class KilledOnce(Unit[str, str]):
    """A step of the run that is watched. Its first attempt goes on until the worker is killed, however slow the machine; it
    leaves a row each time it begins and ends."""

    policy = Policy(attempts_max=3, backoff_s=0.1)
    patience_s = 120.0

    def run(self, context: UnitContext, value: str) -> str:
        self.note(f"begin {self.key} {context.attempt}")
        began = time.monotonic()
        while context.attempt == 1:
            waited_s = time.monotonic() - began
            context.report(waited_s / self.patience_s, f"waits for {waited_s:.0f} s")
            if waited_s > self.patience_s:
                raise TimeoutError(f"nobody killed the worker in {self.patience_s:.0f} s")
            time.sleep(0.05)
        self.note(f"end {self.key} {context.attempt}")
        return f"{value}>{self.key}"

    def note(self, text: str) -> None:
        with connection.cursor() as cursor:
            cursor.execute("INSERT INTO notes (text) VALUES (%s)", [text])


class First(KilledOnce):
    pass


class Second(KilledOnce):
    pass


class Third(KilledOnce):
    pass


THREE_STEPS = Pipeline("three steps", First() >> Second() >> Third())


class InChild(Unit[int, int]):
    policy = Policy(run_in="process", timeout_s=20)

    def run(self, context: UnitContext, value: int) -> int:
        return value + 1


CHILD = Pipeline("child", InChild())

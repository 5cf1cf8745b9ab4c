"""Units, and how they are put together: `Probe() >> Plan() >> each(Encode(), by=...) >> Package()`."""

from __future__ import annotations

import math
import re
from abc import abstractmethod
from collections.abc import Callable, Iterator, Sequence
from typing import Any, ClassVar, Generic, TypeVar, overload

from mutoscope.engines.tasks.pipelines.context import UnitContext
from mutoscope.engines.tasks.pipelines.joins import WrongJoin, declared_types, fits, shown
from mutoscope.engines.tasks.queue.policy import Policy

In = TypeVar("In")
Out = TypeVar("Out")
Next = TypeVar("Next")
Item = TypeVar("Item")
A = TypeVar("A")
B = TypeVar("B")
C = TypeVar("C")
D = TypeVar("D")


# What the database's column holds.
VERSION_MAX = 32_767


class WrongUnit(TypeError):
    """A unit's class says something of itself that no worker can keep to."""


class Step(Generic[In, Out]):
    """Anything that takes an In and makes an Out: a unit, or several put together."""

    taken: Any = Any
    made: Any = Any

    def __rshift__(self, following: Step[Out, Next]) -> Step[In, Next]:
        """This, then that. Raises WrongJoin when that does not take what this makes."""
        if not fits(self.made, following.taken):
            raise WrongJoin(f"{self!r} makes {shown(self.made)}, but {following!r} takes {shown(following.taken)}")
        return Chain([*_parts(self), *_parts(following)])

    def units(self) -> Iterator[AnyUnit[Any, Any]]:
        """Every unit in it, in the order of the text."""
        raise NotImplementedError


def _what_is_wrong_with(unit: Any) -> str:
    """Why no worker could run this unit as it says; empty where all is well."""
    own = unit.policy
    if not isinstance(unit.key, str) or not isinstance(unit.queue_name, str) or not unit.queue_name:
        return f"key ({unit.key!r}) and queue_name ({unit.queue_name!r}) are texts"
    if not isinstance(own, Policy):
        return f"policy is a Policy, not {own!r}"
    if not isinstance(unit.weight, int | float) or not 0 <= unit.weight < math.inf:
        return f"weight is a number of at least 0, not {unit.weight!r}"
    if type(unit.version) is not int or not 1 <= unit.version <= VERSION_MAX:
        return f"version is a whole number from 1 to {VERSION_MAX}, not {unit.version!r}"
    if own.unique_key is not None:
        return "its policy has a unique_key, which only tasks can have: a run has each unit once anyway"
    if own.limit_key is not None and not isinstance(own.limit_key, str):
        return "its policy's limit_key is a text: the input is not known when a unit is enqueued"
    return ""


class AnyUnit(Step[In, Out]):
    """One unit of work, with its own key, weight, retries and place.

    `key` names its checkpoints: it must not change while runs are under way. `weight` is its share of the progress.
    `version` is that of its output; `upgrade` makes this version's JSON out of an older one's. `atomic`: run inside the
    transaction that writes the checkpoint, so that what the unit itself writes commits with it, or not at all. `hides` names members of
    its output that no page shows. Raises WrongUnit where the class is declared.
    """

    key: ClassVar[str] = ""
    weight: ClassVar[float] = 1.0
    version: ClassVar[int] = 1
    atomic: ClassVar[bool] = False
    hides: ClassVar[tuple[str, ...]] = ()
    queue_name: ClassVar[str] = "default"
    policy: ClassVar[Policy] = Policy(attempts_max=3, backoff_s=2.0)

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        if not cls.__dict__.get("key"):
            cls.key = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", cls.__name__).lower()
        cls.taken, cls.made = declared_types(cls, AnyUnit)
        wrong = _what_is_wrong_with(cls)
        if wrong:
            raise WrongUnit(f"unit {cls.__qualname__}: {wrong}")

    def upgrade(self, version: int, stored: Any) -> Any:
        """JSON of an older version of the output as this version has it. Raises NotImplementedError unless overridden."""
        raise NotImplementedError(f"unit {self.key} has an output of version {version}, and no upgrade from it")

    def units(self) -> Iterator[AnyUnit[Any, Any]]:
        yield self

    def __repr__(self) -> str:
        return type(self).__name__


class Unit(AnyUnit[In, Out]):
    """A unit that runs on a thread, or in a child process when its policy says so."""

    @abstractmethod
    def run(self, context: UnitContext, value: In) -> Out:
        """Do the work. It may be run again after a failure or a crash: at least once, and its output is kept once."""
        raise NotImplementedError


class AsyncUnit(AnyUnit[In, Out]):
    """A unit that runs on the worker's event loop. It cannot be `atomic`: the transaction would be another thread's."""

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        if cls.atomic:
            raise WrongUnit(
                f"unit {cls.__qualname__}: an AsyncUnit cannot be atomic, its coroutine runs outside of the transaction. "
                "Make it a Unit."
            )
        if cls.policy.run_in != "thread":
            raise WrongUnit(
                f"unit {cls.__qualname__}: an AsyncUnit runs on the event loop, not in a {cls.policy.run_in}. Make it a Unit."
            )

    @abstractmethod
    async def run(self, context: UnitContext, value: In) -> Out:
        """See Unit.run."""
        raise NotImplementedError


class Chain(Step[In, Out]):
    """Steps one after another."""

    def __init__(self, steps: Sequence[Step[Any, Any]]) -> None:
        self.steps = tuple(steps)
        self.taken = self.steps[0].taken
        self.made = self.steps[-1].made

    def units(self) -> Iterator[AnyUnit[Any, Any]]:
        for step in self.steps:
            yield from step.units()

    def __repr__(self) -> str:
        return " >> ".join(map(repr, self.steps))


class Each(Step[In, list[Out]]):
    """One step for every item of a list that is computed from the input; its output is the list of theirs, in order."""

    def __init__(self, step: Step[Any, Out], by: Callable[[In], Sequence[Any]]) -> None:
        if any(isinstance(part, Each) for part in _all_steps(step)):
            raise WrongJoin(
                f"each({step!r}) has another each inside: make the inner list part of the outer one's items"
            )
        self.step = step
        self.by = by
        self.key = next(step.units()).key
        self.made = list[step.made]  # type: ignore[name-defined]

    def units(self) -> Iterator[AnyUnit[Any, Any]]:
        yield from self.step.units()

    def __repr__(self) -> str:
        return f"each({self.step!r})"


class Parallel(Step[In, Out]):
    """Several steps with the same input at once; its output is the tuple of theirs."""

    def __init__(self, branches: Sequence[Step[Any, Any]]) -> None:
        self.branches = tuple(branches)
        if not self.branches:
            raise WrongJoin("parallel() has nothing to run: give it at least one step")
        taken = [branch.taken for branch in self.branches if branch.taken is not Any]
        for other in taken[1:]:
            if not fits(taken[0], other) and not fits(other, taken[0]):
                raise WrongJoin(f"{self!r} gives one value to steps that take {shown(taken[0])} and {shown(other)}")
        self.taken = taken[0] if taken else Any
        self.made = tuple[tuple(branch.made for branch in self.branches)]  # type: ignore[misc]

    def units(self) -> Iterator[AnyUnit[Any, Any]]:
        for branch in self.branches:
            yield from branch.units()

    def __repr__(self) -> str:
        return f"parallel({', '.join(map(repr, self.branches))})"


def each(step: Step[Item, Out], *, by: Callable[[In], Sequence[Item]]) -> Step[In, list[Out]]:
    """Run the step once for each item that `by` makes of the input, side by side. The list is computed once and kept."""
    return Each(step, by)


@overload
def parallel(one: Step[In, A], two: Step[In, B], /) -> Step[In, tuple[A, B]]: ...
@overload
def parallel(one: Step[In, A], two: Step[In, B], three: Step[In, C], /) -> Step[In, tuple[A, B, C]]: ...
@overload
def parallel(
    one: Step[In, A], two: Step[In, B], three: Step[In, C], four: Step[In, D], /
) -> Step[In, tuple[A, B, C, D]]: ...
def parallel(*branches: Step[Any, Any]) -> Step[Any, Any]:
    """Run the steps side by side on the same input, and go on when all have ended."""
    return Parallel(branches)


def _parts(step: Step[Any, Any]) -> tuple[Step[Any, Any], ...]:
    return step.steps if isinstance(step, Chain) else (step,)


def _all_steps(step: Step[Any, Any]) -> Iterator[Step[Any, Any]]:
    yield step
    inside: tuple[Step[Any, Any], ...] = ()
    if isinstance(step, Chain):
        inside = step.steps
    elif isinstance(step, Parallel):
        inside = step.branches
    elif isinstance(step, Each):
        inside = (step.step,)
    for part in inside:
        yield from _all_steps(part)

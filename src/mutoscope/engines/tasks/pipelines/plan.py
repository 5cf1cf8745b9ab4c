"""What a run can do next, worked out from its checkpoints alone. No database and no clock in here."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Protocol

from mutoscope.engines.tasks.pipelines.units import AnyUnit, Chain, Each, Parallel, Step

Place = tuple[str, str]
"""A unit's key and the item it is for, empty outside of `each`."""

ITEMS = "*"
"""The item under which a fan-out's list is kept, beside the outputs of its first unit."""


class Checkpoints(Protocol):
    """What a run has done so far."""

    def __contains__(self, place: Place) -> bool: ...

    def output(self, unit: AnyUnit[Any, Any], item: str) -> Any:
        """The unit's output as a value."""

    def items(self, fan_out: Each[Any, Any]) -> list[Any] | None:
        """The fan-out's list; None when it was not computed yet."""

    def one_of(self, fan_out: Each[Any, Any], item: str) -> Any:
        """One item of that list, which was computed."""


@dataclass(slots=True)
class Outlook:
    """Where a run stands: the places it can work on, whether all is done, and the lists it has just computed.

    `only`, where it is given, is the one item of one fan-out that was looked at; `done` is that item's.
    """

    ready: list[tuple[AnyUnit[Any, Any], str, Callable[[], Any]]] = field(default_factory=list)
    lists: dict[str, list[Any]] = field(default_factory=dict)
    done: bool = False
    only: tuple[Each[Any, Any], str] | None = None

    def places(self) -> list[Place]:
        return [(unit.key, item) for unit, item, _ in self.ready]


def look_ahead(step: Step[Any, Any], value: Callable[[], Any], checkpoints: Checkpoints) -> Outlook:
    """What can run now, each with its input. Values are computed only when asked for."""
    outlook = Outlook()
    outlook.done = _walk(step, value, "", checkpoints, outlook) is not None
    return outlook


def look_at_item(
    step: Step[Any, Any], only: tuple[Each[Any, Any], str], value: Callable[[], Any], checkpoints: Checkpoints
) -> Outlook:
    """What can run of this one item of this fan-out. Costs the same however many items there are.

    Other fan-outs are taken for done once their lists are known.
    """
    outlook = Outlook(only=only)
    _walk(step, value, "", checkpoints, outlook)
    outlook.ready = [entry for entry in outlook.ready if entry[1] == only[1]]
    return outlook


def _walk(
    step: Step[Any, Any], value: Callable[[], Any], item: str, checkpoints: Checkpoints, outlook: Outlook
) -> Callable[[], Any] | None:
    """The step's output, when it has all been done; None when there is something to do, which the outlook then has."""
    if isinstance(step, AnyUnit):
        if (step.key, item) in checkpoints:
            return lambda: checkpoints.output(step, item)
        outlook.ready.append((step, item, value))
        return None
    if isinstance(step, Chain):
        for part in step.steps:
            output = _walk(part, value, item, checkpoints, outlook)
            if output is None:
                return None
            value = output
        return value
    if isinstance(step, Parallel):
        outputs = [_walk(branch, value, item, checkpoints, outlook) for branch in step.branches]
        ended = [output for output in outputs if output is not None]
        return None if len(ended) < len(outputs) else lambda: tuple(output() for output in ended)
    if isinstance(step, Each) and outlook.only is not None:
        fan_out, number = outlook.only
        if (step.key, ITEMS) not in checkpoints:
            return None
        if step is not fan_out:
            return _constant(None)
        result = _walk(step.step, lambda: checkpoints.one_of(step, number), number, checkpoints, outlook)
        outlook.done = result is not None
        return None
    if isinstance(step, Each):
        given = checkpoints.items(step)
        if given is None:
            given = outlook.lists[step.key] = list(step.by(value()))
        results = [
            _walk(step.step, _constant(one), str(number), checkpoints, outlook) for number, one in enumerate(given)
        ]
        all_ended = [result for result in results if result is not None]
        return None if len(all_ended) < len(results) else lambda: [result() for result in all_ended]
    raise TypeError(f"{step!r} is no step")


def _constant(value: Any) -> Callable[[], Any]:
    return lambda: value


def followers(step: Step[Any, Any]) -> dict[str, AnyUnit[Any, Any]]:
    """For each unit that has exactly one unit after it and nothing to join or fan out between: that one."""
    found: dict[str, AnyUnit[Any, Any]] = {}
    if isinstance(step, Chain):
        for one, other in zip(step.steps, step.steps[1:], strict=False):
            if isinstance(one, AnyUnit) and isinstance(other, AnyUnit):
                found[one.key] = other
        inside: tuple[Step[Any, Any], ...] = step.steps
    elif isinstance(step, Parallel):
        inside = step.branches
    elif isinstance(step, Each):
        inside = (step.step,)
    else:
        inside = ()
    for part in inside:
        found |= followers(part)
    return found

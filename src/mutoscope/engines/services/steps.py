"""What a service's list of steps is made of: methods, and groups of them such as `atomic(...)` and `when(...)`."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Final, Generic, TypeAlias, TypeVar

from django.db import DEFAULT_DB_ALIAS, transaction

from mutoscope.engines.services.layers import Internals, Outputs

In = TypeVar("In")
Work = TypeVar("Work", bound=Internals)
Out = TypeVar("Out", bound=Outputs)


class State(Generic[In, Work, Out]):
    """The three layers of one call. Each call has its own, so one service object may serve any number of threads."""

    __slots__ = ("inputs", "internals", "outputs")

    def __init__(self, inputs: In, internals: Work, outputs: Out) -> None:
        self.inputs: Final = inputs
        self.internals: Final = internals
        self.outputs: Final = outputs


class Group(ABC, Generic[In, Work, Out]):
    """Steps that run under something they share. Write your own by subclassing: `run` decides how `walk` is called."""

    def __init__(self, *steps: Step[In, Work, Out]) -> None:
        self.steps: Steps[In, Work, Out] = steps

    @abstractmethod
    def run(self, walk: Walk[In, Work, Out], state: State[In, Work, Out]) -> None:
        """Run the steps by `walk(self.steps, state)`, or do not."""

    @abstractmethod
    def label(self) -> str:
        """What the map of services prints in front of the steps."""


Step: TypeAlias = Callable[[State[In, Work, Out]], None] | Group[In, Work, Out]
Steps: TypeAlias = tuple[Step[In, Work, Out], ...]
Walk: TypeAlias = Callable[[Steps[In, Work, Out], State[In, Work, Out]], None]
Condition: TypeAlias = Callable[[State[In, Work, Out]], bool]


class Atomic(Group[In, Work, Out]):
    """Steps in one database transaction: see `atomic`."""

    def __init__(self, *steps: Step[In, Work, Out], using: str, savepoint: bool, durable: bool) -> None:
        super().__init__(*steps)
        self.using = using
        self.savepoint = savepoint
        self.durable = durable

    def run(self, walk: Walk[In, Work, Out], state: State[In, Work, Out]) -> None:
        with transaction.atomic(using=self.using, savepoint=self.savepoint, durable=self.durable):
            walk(self.steps, state)

    def label(self) -> str:
        return "atomic" if self.using == DEFAULT_DB_ALIAS else f"atomic on {self.using}"


class When(Group[In, Work, Out]):
    """Steps that run only if a condition holds: see `when`."""

    def __init__(self, condition: Condition[In, Work, Out], *steps: Step[In, Work, Out]) -> None:
        super().__init__(*steps)
        self.condition = condition

    def run(self, walk: Walk[In, Work, Out], state: State[In, Work, Out]) -> None:
        if self.condition(state):
            walk(self.steps, state)

    def label(self) -> str:
        return f"when {getattr(self.condition, '__name__', 'condition').replace('_', ' ')}"


def atomic(
    *steps: Step[In, Work, Out], using: str = DEFAULT_DB_ALIAS, savepoint: bool = False, durable: bool = False
) -> Group[In, Work, Out]:
    """Run steps in one transaction: all take effect, or none.

    Inside a caller's transaction the steps join it. A refusal then dooms the whole of it: a caller that wants to catch
    the failure and go on asks for `savepoint=True`, which costs two round trips. `durable=True` refuses to join, for
    steps whose effect must be on disk when the group ends.
    """
    return Atomic(*steps, using=using, savepoint=savepoint, durable=durable)


def when(condition: Condition[In, Work, Out], *steps: Step[In, Work, Out]) -> Group[In, Work, Out]:
    """Run steps only if `condition`, a method of the service that answers yes or no, says so at that moment."""
    return When(condition, *steps)

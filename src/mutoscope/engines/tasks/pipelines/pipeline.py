"""A pipeline: steps under a name, and what can be done with its runs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any, Generic, TypeVar

from django.core import checks
from django.db import transaction

from mutoscope.engines.tasks.compat import (
    TASK_MAX_PRIORITY,
    TASK_MIN_PRIORITY,
    InvalidTaskBackendError,
    InvalidTaskError,
)
from mutoscope.engines.tasks.pipelines.codec import dump, keep
from mutoscope.engines.tasks.pipelines.plan import followers, look_ahead
from mutoscope.engines.tasks.pipelines.store import RunStore, UnknownRun, WrongState
from mutoscope.engines.tasks.pipelines.units import AnyUnit, Chain, Each, Step, Unit, _all_steps
from mutoscope.engines.tasks.queue.backend import backend_of
from mutoscope.engines.tasks.queue.operate import Operator

In = TypeVar("In")
Out = TypeVar("Out")


class PipelineError(Exception):
    """The pipeline's code contradicts itself."""


_PIPELINES: dict[str, Pipeline[Any, Any]] = {}


def declared_pipelines() -> list[Pipeline[Any, Any]]:
    """Every pipeline that the imported code declares."""
    return list(_PIPELINES.values())


class Pipeline(Generic[In, Out]):
    """Steps under a name that is stored with each run. Raises PipelineError when two units share a key.

    `step` is what `>>` made; docs/pipelines.md shows one.
    """

    def __init__(self, name: str, step: Step[In, Out], *, backend: str = "default") -> None:
        _check_declared(name, step)
        self.name = name
        self.step = step
        self.backend = backend
        self.units: dict[str, AnyUnit[Any, Any]] = {unit.key: unit for unit in step.units()}
        counted = Counter(unit.key for unit in step.units())
        twice = sorted(key for key, number in counted.items() if number > 1)
        if twice:
            raise PipelineError(
                f"Pipeline {name!r} has two units with the key {twice[0]!r}: give one a key of its own."
            )
        self.fan_outs: dict[str, Each[Any, Any]] = {
            part.key: part for part in _all_steps(step) if isinstance(part, Each)
        }
        self.fan_out_of = {unit.key: each for each in self.fan_outs.values() for unit in each.units()}
        self.queues = {unit.queue_name for unit in step.units()}
        self._followers = followers(step)
        # Asked once for each step that is run.
        self._next: dict[str, AnyUnit[Any, Any] | None] = {}
        other = _PIPELINES.get(name)
        if other is not None and repr(other.step) != repr(step):
            raise PipelineError(f"Two pipelines are named {name!r}.")
        _PIPELINES[name] = self

    def start(self, value: In, *, subject: str = "", priority: int = 0) -> int:
        """Start a run in the caller's transaction; its id. Commit starts it, rollback leaves nothing of it.

        Raises ValueError for a subject or a priority that is none, DoesNotFit for an input that is not what the first unit
        takes, PipelineError for a queue that no worker works at.
        """
        _check_started(subject, priority)
        self.check_queues()
        kind = self.step.taken
        # Where no type is declared, as when `each` comes first, whoever takes the input gets it as JSON has it.
        text = dump(value) if kind is Any else keep(value, kind, f"input of pipeline {self.name!r}")[0]
        store = RunStore(self)
        with transaction.atomic(using=store.database):
            run_id = store.insert_run(subject, text, priority)
            outlook = look_ahead(self.step, lambda: value, store.no_checkpoints())
            store.go_on(run_id, outlook, priority)
        return run_id

    def check_queues(self) -> None:
        """Raises PipelineError when a unit's queue is none of its backend's: no worker would ever take it."""
        known = backend_of(self.backend).queues
        if not known or self.queues <= known:
            return
        unit = next(unit for unit in self.step.units() if unit.queue_name not in known)
        raise PipelineError(
            f"Pipeline {self.name!r}: unit {unit.key} has the queue {unit.queue_name!r}, which is not among QUEUES of "
            f"TASKS[{self.backend!r}]: {', '.join(sorted(known))}."
        )

    def follower(self, unit: AnyUnit[Any, Any]) -> AnyUnit[Any, Any] | None:
        """The unit that the same task may go on with after this one; None where something has to be decided first."""
        if unit.key not in self._next:
            self._next[unit.key] = self._follower(unit)
        return self._next[unit.key]

    def ends_with(self, unit: AnyUnit[Any, Any]) -> bool:
        """Whether a run has ended when that unit has, and its worker may say so together with others."""
        last = self.step.steps[-1] if isinstance(self.step, Chain) else self.step
        return unit is last and not unit.atomic

    def _follower(self, unit: AnyUnit[Any, Any]) -> AnyUnit[Any, Any] | None:
        following = self._followers.get(unit.key)
        if following is None or unit.atomic:
            return None
        one, other = unit.policy, following.policy
        elsewhere = unit.queue_name != following.queue_name or isinstance(unit, Unit) != isinstance(following, Unit)
        held = one.limit_key is not None or other.limit_key is not None
        return None if elsewhere or held or "process" in (one.run_in, other.run_in) else following


def _check_declared(name: Any, step: Any) -> None:
    if not isinstance(name, str) or not name:
        raise PipelineError(f"A pipeline's name is a text, not {name!r}.")
    if not isinstance(step, Step):
        raise PipelineError(f"Pipeline {name!r}: {step!r} is no step. A unit's class is one when it is called.")


def _check_started(subject: Any, priority: Any) -> None:
    if not isinstance(subject, str) or "\x00" in subject:
        raise ValueError(f"subject is a text without NUL, not {subject!r}")
    if type(priority) is not int or not TASK_MIN_PRIORITY <= priority <= TASK_MAX_PRIORITY:
        raise ValueError(
            f"priority is a whole number from {TASK_MIN_PRIORITY} to {TASK_MAX_PRIORITY}, not {priority!r}"
        )


def pipelines() -> Iterable[Pipeline[Any, Any]]:
    """Every pipeline that the imported code declares."""
    return _PIPELINES.values()


def pipeline_named(name: str) -> Pipeline[Any, Any] | None:
    """The pipeline of that name; None when the code has none."""
    return _PIPELINES.get(name)


def check_pipelines(**_: Any) -> list[checks.CheckMessage]:
    """Django's check of what is declared against TASKS."""
    found: list[checks.CheckMessage] = []
    for pipeline in declared_pipelines():
        try:
            pipeline.check_queues()
        except InvalidTaskError:
            # Another kind of backend, in a project's tests say: no pipeline runs there, and start() says so.
            continue
        except (PipelineError, InvalidTaskBackendError) as error:
            hint = "Add the queue to QUEUES, or change the unit's queue_name or the pipeline's backend."
            found.append(checks.Error(str(error), hint=hint, id="tasks.E010"))
    return found


def resume(run_id: int, backend: str = "default") -> list[tuple[str, str]]:
    """Let a failed, stopped or cancelled run go on with whatever has no checkpoint; what it goes on with.

    Raises UnknownRun, or WrongState when it runs or has succeeded, when a unit that was cancelled with it has not ended yet,
    or when the code does not know its checkpoints or its queues.
    """
    pipeline = _pipeline_of(run_id, backend)
    try:
        pipeline.check_queues()
    except PipelineError as error:
        raise WrongState(str(error)) from error
    return RunStore(pipeline).resume(run_id)


def cancel(run_id: int, backend: str = "default") -> bool:
    """End a run: what waits ends, what runs is asked to stop, what is done stays done. Whether it was running."""
    store = RunStore(None, backend)
    operator = Operator(store.backend)
    with transaction.atomic(using=store.database):
        if store.lock(run_id) != "RUNNING":
            return False
        store.end(run_id, "CANCELLED", None)
        for _, task_id in store.live(run_id):
            operator.cancel(str(task_id))
    return True


def _pipeline_of(run_id: int, backend: str) -> Pipeline[Any, Any]:
    name = RunStore(None, backend).run(run_id).pipeline
    pipeline = pipeline_named(name)
    if pipeline is None:
        raise WrongState(f"Run {run_id} is of a pipeline {name!r} that the code does not have.")
    return pipeline


__all__ = ["Pipeline", "PipelineError", "UnknownRun", "WrongState", "cancel", "pipeline_named", "pipelines", "resume"]

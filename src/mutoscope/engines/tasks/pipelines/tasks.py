"""The tasks that units are. Three, because a task is sync, async or for a child process by its definition.

`pipeline` is there for unit_policy alone, and empty where the unit was enqueued before calls named their pipelines.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from asgiref.sync import sync_to_async
from django.db import transaction

from mutoscope.engines.tasks.compat import TaskContext, task
from mutoscope.engines.tasks.pipelines.codec import keep, load
from mutoscope.engines.tasks.pipelines.context import UnitContext
from mutoscope.engines.tasks.pipelines.pipeline import Pipeline, pipeline_named, pipelines
from mutoscope.engines.tasks.pipelines.plan import look_ahead, look_at_item
from mutoscope.engines.tasks.pipelines.store import Ended, LeaseLost, RunStore, UnknownRun, unit_call
from mutoscope.engines.tasks.pipelines.units import AnyUnit
from mutoscope.engines.tasks.queue.context import Advance, Carry, QueueTaskContext
from mutoscope.engines.tasks.queue.encoding import encode
from mutoscope.engines.tasks.queue.policy import DEFAULT_POLICY, Declined, Policy, policy, policy_by
from mutoscope.engines.tasks.queue.worker.threads import check_connections

R = TypeVar("R")


@dataclass(slots=True)
class Work:
    """A unit about to run: what it is, what it gets, and where its output goes."""

    pipeline: Pipeline[Any, Any]
    unit: AnyUnit[Any, Any]
    item: str
    run_id: int
    subject: str
    value: Any
    context: QueueTaskContext
    began: float

    def unit_context(self) -> UnitContext:
        return UnitContext(
            run_id=self.run_id,
            unit=self.unit.key,
            item=self.item,
            attempt=self.context.attempt,
            subject=self.subject,
            report=self.context.report,
            cancel_requested=self.context.cancel_requested,
            output_loader=self._output_of,
        )

    def keep(self, output: Any) -> Advance | None:
        """Keep the output: with the worker's next flush where the same task simply goes on, else here and now."""
        text, output = keep(output, self.unit.made, f"output of unit {self.unit.key}")
        if self.may_share_commit():
            return Advance(
                run_id=self.run_id,
                unit=self.unit.key,
                item=self.item,
                output=text,
                version=self.unit.version,
                carry=self._carry(output),
            )
        ended = Ended(
            run_id=self.run_id,
            unit=self.unit,
            item=self.item,
            output=text,
            attempt=self.context.attempt,
            task_id=int(self.context.task_result.id),
            worker_id=self.context.worker_id,
            lease=self.context.lease,
            run_s=time.monotonic() - self.began,
        )
        RunStore(self.pipeline).checkpoint(ended)
        return None

    def _carry(self, output: Any) -> Carry | None:
        following = self.pipeline.follower(self.unit)
        if following is None:
            return None
        call = unit_call(self.pipeline, self.run_id, following, self.item)
        return Carry(call, encode(call), following.policy, (self.pipeline, self.subject, output))

    def may_share_commit(self) -> bool:
        """Whether the worker may write the checkpoint together with those of other runs."""
        if not self.context.can_advance:
            return False
        return self.pipeline.follower(self.unit) is not None or self.pipeline.ends_with(self.unit)

    def _output_of(self, unit: type[AnyUnit[Any, Any]]) -> Any:
        known = self.pipeline.units.get(unit.key)
        checkpoints = RunStore(self.pipeline).checkpoints(self.run_id, self.item)
        if known is None or (known.key, "") not in checkpoints:
            if known is not None and (known.key, self.item) in checkpoints:
                return checkpoints.output(known, self.item)
            raise LookupError(f"run {self.run_id} has no checkpoint of {unit.key}")
        return checkpoints.output(known, "")


def _begin(context: QueueTaskContext, run: int, unit: str, item: str) -> Work | None:
    """The unit's work; None when its run is over. Raises Declined when the run is stopped, since the code does not know it."""
    began = time.monotonic()
    if context.carry is not None:
        pipeline, subject, value = context.carry
        return Work(pipeline, pipeline.units[unit], item, run, subject, value, context, began)
    store = RunStore(None, context.task_result.backend)
    try:
        row = store.run(run)
    except UnknownRun:
        return None
    if row.state == "STOPPED":
        raise Declined(f"Run {run} was stopped.")
    if row.state not in ("RUNNING", "FAILED"):
        return None
    found = pipeline_named(row.pipeline)
    if found is None:
        raise _stopped(store, run, f"The code has no pipeline {row.pipeline!r}. It was renamed or removed")
    fan_out = found.fan_out_of.get(unit) if item else None
    checkpoints = RunStore(found).checkpoints(run, None if fan_out is None else item)
    unknown = checkpoints.unknown_to(found)
    if unknown or unit not in found.units:
        names = ", ".join(unknown or [unit])
        raise _stopped(store, run, f"Pipeline {found.name!r} has no unit {names}. It was renamed or removed")
    if (unit, item) in checkpoints:
        # An earlier attempt got as far as its checkpoint, and died before its task was ended.
        return None

    def given() -> Any:
        return load(row.input, found.step.taken)

    if fan_out is None:
        outlook = look_ahead(found.step, given, checkpoints)
    else:
        outlook = look_at_item(found.step, (fan_out, item), given, checkpoints)
    for ready, ready_item, value_of in outlook.ready:
        if (ready.key, ready_item) == (unit, item):
            return Work(found, ready, item, run, row.subject, value_of(), context, began)
    raise _stopped(store, run, f"Unit {unit!r} cannot run where this run stands. The order of units was changed")


def _stopped(store: RunStore, run: int, reason: str) -> Declined:
    """Stop the run; what its unit's task is to end with."""
    reason += " while this run was under way."
    store.stop(run, reason)
    # Not as if it had been done: who resumes the run before this task has ended counts on it, and has to hear that it was not.
    return Declined(reason)


def _run(context: QueueTaskContext, run: int, unit: str, item: str) -> Advance | None:
    work = _begin(context, run, unit, item)
    if work is None:
        return None
    try:
        if not work.unit.atomic:
            return work.keep(work.unit.run(work.unit_context(), work.value))  # type: ignore[attr-defined]
        with transaction.atomic(using=RunStore(work.pipeline).database):
            return work.keep(work.unit.run(work.unit_context(), work.value))  # type: ignore[attr-defined]
    except LeaseLost:
        return None


def _on_thread(work: Callable[..., R], *arguments: Any) -> R:
    """Work for the thread that talks to the database for coroutines; its connection may have broken since."""
    check_connections()
    return work(*arguments)


def _ours(context: TaskContext) -> QueueTaskContext:
    if not isinstance(context, QueueTaskContext):
        raise TypeError("Pipelines run on PostgresBackend only: other backends have no checkpoints.")
    return context


def unit_policy(call: dict[str, Any]) -> Policy:
    """The policy of the unit that a call is about."""
    if "pipeline" not in call:
        # Enqueued before calls named their pipelines: whichever has the key.
        units = [pipeline.units[call["unit"]] for pipeline in pipelines() if call["unit"] in pipeline.units]
        return units[0].policy if units else DEFAULT_POLICY
    pipeline = pipeline_named(call["pipeline"])
    unit = pipeline.units.get(call["unit"]) if pipeline else None
    return unit.policy if unit else DEFAULT_POLICY


@task(takes_context=True)
@policy_by(unit_policy)
def run_unit(context: TaskContext, run: int, unit: str, item: str = "", pipeline: str = "") -> Any:
    """One unit, on a thread."""
    return _run(_ours(context), run, unit, item)


@task(takes_context=True)
@policy_by(unit_policy)
@policy(run_in="process")
def run_unit_in_child(context: TaskContext, run: int, unit: str, item: str = "", pipeline: str = "") -> Any:
    """One unit, in a child process."""
    return _run(_ours(context), run, unit, item)


@task(takes_context=True)
@policy_by(unit_policy)
async def run_async_unit(context: TaskContext, run: int, unit: str, item: str = "", pipeline: str = "") -> Any:
    """One unit, on the event loop. The database is talked to on a thread."""
    ours = _ours(context)
    work = (
        _begin(ours, run, unit, item) if ours.carry else await sync_to_async(_on_thread)(_begin, ours, run, unit, item)
    )
    if work is None:
        return None
    output = await work.unit.run(work.unit_context(), work.value)  # type: ignore[attr-defined]
    if work.may_share_commit():
        return work.keep(output)
    try:
        return await sync_to_async(_on_thread)(work.keep, output)
    except LeaseLost:
        return None

"""Running one task: from the claimed row to an outcome, whatever the task does."""

from __future__ import annotations

import dataclasses
import functools
import inspect
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from mutoscope.engines.tasks.compat import (
    Task,
    TaskContext,
    TaskError,
    TaskResult,
    TaskResultStatus,
    task_finished,
    task_started,
)
from mutoscope.engines.tasks.queue.context import Advance, QueueTaskContext
from mutoscope.engines.tasks.queue.encoding import decode, encode
from mutoscope.engines.tasks.queue.observers import someone_listens, tell
from mutoscope.engines.tasks.queue.policy import (
    ATTRIBUTE_BY_CALL,
    Declined,
    Policy,
    PolicyByCall,
    TaskCancelled,
    TaskTimedOut,
    WorkerStopped,
    policy_of,
)
from mutoscope.engines.tasks.queue.results import (
    CANCELLED,
    DECLINED,
    FAILED,
    READY,
    STATUSES,
    SUCCESSFUL,
    QueueTaskResult,
    TaskNotFound,
    find_task,
    made_result,
    task_error,
    trace_of,
)
from mutoscope.engines.tasks.queue.worker.job import Interrupted, Job

logger = logging.getLogger("mutoscope.tasks")

# A task that this worker's code does not have may be one that newer code enqueued: it waits for a newer worker.
UNKNOWN_POLICY = Policy(attempts_max=6, backoff_s=5.0, backoff_max_s=120.0)


@dataclass(frozen=True, slots=True)
class Runnable:
    """What a path means in this process."""

    task: Task[..., Any]
    function: Callable[..., Any]
    policy: Policy
    policy_by_call: PolicyByCall | None
    is_async: bool
    takes_context: bool


@functools.cache
def _runnable(path: str) -> Runnable:
    task = find_task(path)
    function = task.func
    by_call: PolicyByCall | None = getattr(function, ATTRIBUTE_BY_CALL, None)
    is_async = inspect.iscoroutinefunction(function)
    return Runnable(task, function, policy_of(function), by_call, is_async, task.takes_context)


def find_runnable(job: Job) -> Runnable | None:
    """What the job is to run; None when this process's code has no such task."""
    try:
        return _runnable(job.path)
    except TaskNotFound:
        return None
    except Exception:
        # Importing the module ran code of its own, which failed. The same import fails again, with its reason, below.
        return None


def choose_policy(job: Job, runnable: Runnable) -> None:
    """Give the job its policy: the task's, or the one that the call's arguments ask for."""
    if runnable.policy_by_call is None:
        job.policy = runnable.policy
        return
    # Where it runs was settled when it was enqueued, by the task that it was enqueued as.
    place = runnable.policy.run_in
    try:
        chosen = runnable.policy_by_call(decode(job.kwargs))
        job.policy = chosen if chosen.run_in == place else dataclasses.replace(chosen, run_in=place)
    except Exception:
        # Arguments that make no sense: the task itself will say so, where it counts as its failure.
        job.policy = runnable.policy


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What running a task needs to know of its worker."""

    backend_alias: str
    backend_class: type[Any]
    worker_id: Callable[[], int]
    progress: Callable[[Job], None]


class Execution:
    """One job being run: `arguments`, then the call by whoever owns it, then `succeed` or `fail`."""

    __slots__ = ("around", "job", "result", "runnable")

    def __init__(self, job: Job, runnable: Runnable, around: Surroundings) -> None:
        self.job = job
        self.runnable = runnable
        self.around = around
        self.result: QueueTaskResult | None = None

    def arguments(self) -> tuple[list[Any], dict[str, Any]]:
        job = self.job
        args = [] if job.args == "[]" else decode(job.args)
        if job.carry is not None:
            kwargs = job.carry.call
        else:
            kwargs = {} if job.kwargs == "{}" else decode(job.kwargs)
        if someone_listens(task_started, self.around.backend_class):
            self._send(task_started, self._result(args, kwargs))
        if self.runnable.takes_context:
            args = [self.context(args, kwargs), *args]
        return args, kwargs

    def context(self, args: list[Any], kwargs: dict[str, Any]) -> TaskContext:
        job, around = self.job, self.around

        def on_progress(fraction: float | None, note: str) -> None:
            job.progress = (fraction, note)
            around.progress(job)

        return QueueTaskContext.with_result_on_demand(
            make_result=lambda: self._result(args, kwargs),
            attempt_number=job.attempt,
            worker_id=around.worker_id(),
            lease=job.lease,
            carry=None if job.carry is None else job.carry.value,
            # A child process cannot hand anything over.
            can_advance=job.policy.run_in == "thread",
            on_progress=on_progress,
            cancel_requested=lambda: job.interruption is not None,
        )

    def succeed(self, value: Any) -> None:
        """Take what the task returned. Raises what encoding it raises."""
        if isinstance(value, Advance):
            self.job.advance = value
            self.succeed_encoded(None)
            return
        self.succeed_encoded(None if value is None else encode(value))

    def succeed_encoded(self, value: str | None) -> None:
        job = self.job
        job.result = value
        job.status = SUCCESSFUL
        if someone_listens(task_finished, self.around.backend_class):
            result = self._result()
            object.__setattr__(result, "_return_value", None if value is None else decode(value))
            self._finish(result)

    def fail(self, error: BaseException) -> None:
        """Decide what a failed attempt means: another one, or the end. Called inside the `except`. Never raises."""
        try:
            self._judge(error)
        except BaseException as trouble:
            # A policy, an exception's own code or a receiver that stumbles, or a word to stop that comes now. Without an
            # outcome the task would stay running for good.
            end_with(self.job, self._interruption(trouble))

    def _judge(self, error: BaseException) -> None:
        if isinstance(error, Interrupted) or self.job.interruption is not None:
            error = self._interruption(error)
        delay_s = None if self.job.interruption == "cancel" else self.job.policy.retry_delay_s(self.job.attempt, error)
        stored = task_error(error, trace_of(error))
        self.fail_stored(stored, delay_s, is_declined=isinstance(error, Declined))

    def fail_stored(self, error: dict[str, str], delay_s: float | None, *, is_declined: bool = False) -> None:
        job = self.job
        job.error = error
        if job.interruption == "shutdown":
            # The worker is leaving, the task did nothing wrong: it goes back as it came.
            job.delay_s = 0.0
            job.status = READY
        elif delay_s is not None:
            job.delay_s = delay_s
            job.status = READY
            logger.warning(
                "Task %s (%s) failed attempt %s with %s and is tried again in %.1f s",
                job.id,
                job.path,
                job.attempt,
                error["exception_class_path"],
                delay_s,
                extra={"action": "task_retry", "task_id": job.id, "task_path": job.path, "attempt": job.attempt},
            )
        else:
            job.status = CANCELLED if job.interruption == "cancel" else DECLINED if is_declined else FAILED
            if job.status == DECLINED:
                # No error, but for whoever looks why something was not made.
                logger.info(
                    "Task %s (%s) declined what it was given: %s",
                    job.id,
                    job.path,
                    error["traceback"],
                    extra={"action": "task_declined", "task_id": job.id, "task_path": job.path},
                )
            if someone_listens(task_finished, self.around.backend_class, failed=job.status != DECLINED):
                result = self._result()
                result.errors.append(TaskError(**error))
                self._finish(result)

    def _interruption(self, error: BaseException) -> BaseException:
        job = self.job
        told: BaseException
        if job.interruption == "timeout":
            told = TaskTimedOut(f"still running after {self.job.policy.timeout_s:g} s")
        elif job.interruption == "cancel":
            told = TaskCancelled("cancelled while it ran")
        elif job.interruption == "shutdown":
            told = WorkerStopped("the worker's grace period ended before the task did")
        else:
            return error
        return told.with_traceback(error.__traceback__)

    def _result(self, args: list[Any] | None = None, kwargs: dict[str, Any] | None = None) -> QueueTaskResult:
        """The task's result as of now, made once and only when someone wants it, without normalising JSON again."""
        if self.result is not None:
            return self.result
        job = self.job
        if args is None:
            args = decode(job.args)
        if kwargs is None:
            kwargs = decode(job.kwargs)
        past = decode(job.past) if job.past else []
        now = datetime.now(UTC)
        values = {
            "task": self.runnable.task,
            "id": str(job.id),
            "status": TaskResultStatus.RUNNING,
            "enqueued_at": job.enqueued_at(),
            "started_at": job.started_at() if job.attempt > 1 else now,
            "last_attempted_at": now,
            "args": args,
            "kwargs": kwargs,
            "backend": self.around.backend_alias,
            "errors": [TaskError(**entry["error"]) for entry in past if entry.get("error")],
            "worker_ids": [*(str(entry["worker"]) for entry in past), str(self.around.worker_id())],
        }
        self.result = made_result(values)
        return self.result

    def _finish(self, result: QueueTaskResult) -> None:
        object.__setattr__(result, "status", STATUSES[self.job.status])
        object.__setattr__(result, "is_declined", self.job.status == DECLINED)
        object.__setattr__(result, "finished_at", datetime.now(UTC))
        self._send(task_finished, result)

    def _send(self, signal: Any, result: TaskResult[Any]) -> None:
        quietly = isinstance(result, QueueTaskResult) and result.is_declined
        for receiver, answer in tell(signal, self.around.backend_class, result, quietly=quietly):
            if isinstance(answer, Exception):
                logger.error(
                    "A receiver of a task signal failed: %r",
                    receiver,
                    exc_info=answer,
                    extra={"action": "signal_failed", "task_id": self.job.id},
                )


def end_with(job: Job, error: BaseException) -> None:
    """Give the job the plainest outcome: it ends with this error. Asks and tells nobody."""
    job.error = task_error(error, trace_of(error))
    job.advance = None
    if job.interruption == "shutdown":
        job.delay_s, job.status = 0.0, READY
    else:
        job.delay_s, job.status = None, CANCELLED if job.interruption == "cancel" else FAILED
    logger.error(
        "Task %s (%s) ended with an error while its attempt was being judged: %s",
        job.id,
        job.path,
        job.error["exception_class_path"],
        exc_info=error,
        extra={"action": "judging_failed", "task_id": job.id, "task_path": job.path},
    )


def run_in_thread(job: Job, around: Surroundings) -> None:
    """Run a sync task here and now. Never raises, but for Interrupted that comes too late to matter."""
    begun = job.begin()
    runnable = find_runnable(job)
    if runnable is None:
        fail_unknown(job)
        return
    execution = Execution(job, runnable, around)
    try:
        if job.interruption is not None:
            raise Interrupted
        args, kwargs = execution.arguments()
        value = runnable.function(*args, **kwargs)
        job.run_us = int((time.monotonic() - begun) * 1_000_000)
        execution.succeed(value)
    except BaseException as error:
        job.run_us = int((time.monotonic() - begun) * 1_000_000)
        execution.fail(error)


def fail_unknown(job: Job) -> None:
    """End an attempt at a task that this process's code does not have."""
    try:
        _runnable(job.path)
        # It was there at the second look. Another attempt finds it.
        job.delay_s = 0.0
    except BaseException as error:
        delay_s = UNKNOWN_POLICY.retry_delay_s(job.attempt, TaskNotFound())
        job.error = task_error(error, trace_of(error))
        job.delay_s = delay_s
        job.status = FAILED if delay_s is None else READY
        logger.error(
            "Task %s names %s, which this worker's code does not have",
            job.id,
            job.path,
            extra={"action": "task_unknown", "task_id": job.id, "task_path": job.path},
        )

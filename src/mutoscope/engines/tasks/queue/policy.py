"""How one task wants to be treated: tries, waiting between them, time allowed, sharing, and where it runs.

A policy hangs on the task's function, not on the task: other backends of the tasks API ignore it, so code keeps working
on them.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Literal, TypeVar

F = TypeVar("F", bound=Callable[..., Any])
KeyOf = str | Callable[..., str | None]
Place = Literal["thread", "process"]

ATTRIBUTE = "__task_policy__"


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """Durations are seconds. The defaults are the tasks API's: one try, no limit of time, no keys."""

    attempts_max: int = 1
    backoff_s: float = 1.0
    backoff_factor: float = 2.0
    backoff_max_s: float = 3600.0
    retry_on: tuple[type[BaseException], ...] = (Exception,)
    timeout_s: float | None = None
    unique_key: KeyOf | None = None
    limit_key: KeyOf | None = None
    limit_max: int = 1
    run_in: Place = "thread"

    def __post_init__(self) -> None:
        if self.attempts_max < 1 or self.limit_max < 1:
            raise ValueError("attempts_max and limit_max are at least 1")
        if self.backoff_s < 0 or self.backoff_factor < 1 or self.backoff_max_s < 0:
            raise ValueError("backoff_s and backoff_max_s are at least 0, backoff_factor at least 1")
        if self.timeout_s is not None and self.timeout_s <= 0:
            raise ValueError("timeout_s is more than 0")

    def retry_delay_s(self, attempt: int, error: BaseException) -> float | None:
        """Seconds to wait after this failed attempt (the first is 1); None when it was the last.

        Capped exponential backoff with equal jitter: at least half of the step, so that a retry never comes at once,
        and at most all of it, so that tasks that failed together do not come back together.
        """
        if isinstance(error, RetryLater):
            return error.delay_s if error.past_attempts_max or attempt < self.attempts_max else None
        if isinstance(error, Declined) or attempt >= self.attempts_max or not isinstance(error, self.retry_on):
            return None
        step_s = min(self.backoff_s * self.backoff_factor ** (attempt - 1), self.backoff_max_s)
        return step_s * random.uniform(0.5, 1.0)  # noqa: S311 - spreads load, guards nothing


DEFAULT_POLICY = Policy()

ATTRIBUTE_BY_CALL = "__task_policy_by_call__"
PolicyByCall = Callable[[dict[str, Any]], Policy]


class RetryLater(Exception):
    """Raised by a task that wants to be tried again after `delay`, whatever its `retry_on` says.

    It counts as an attempt. With `past_attempts_max` it is tried again even after the last one: for waiting, not failing.
    """

    def __init__(self, delay: float | timedelta, reason: str = "", *, past_attempts_max: bool = False) -> None:
        self.delay_s = delay.total_seconds() if isinstance(delay, timedelta) else float(delay)
        self.past_attempts_max = past_attempts_max
        super().__init__(reason or f"asked to be tried again in {self.delay_s:g} s")


class Declined(Exception):
    """Raised by a task that cannot be done because of what it was given. Its message is a sentence for people.

    The task fails at once, whatever its policy says, and is kept with that sentence; it is no dead letter, since there is
    nothing to mend in the code or the machine.
    """


class TaskTimedOut(Exception):
    """The task ran longer than its policy's timeout_s allows."""


class TaskCancelled(Exception):
    """The task was cancelled."""


class WorkerLost(Exception):
    """The worker stopped beating while it ran the task, more often than a task is allowed to take a worker with it."""


class WorkerStopped(Exception):
    """The worker was stopped while it ran the task, which goes back to wait for another."""


class ChildDied(Exception):
    """The child process that ran the task ended without an answer."""


def policy(
    *,
    attempts_max: int = 1,
    backoff_s: float = 1.0,
    backoff_factor: float = 2.0,
    backoff_max_s: float = 3600.0,
    retry_on: tuple[type[BaseException], ...] = (Exception,),
    timeout_s: float | None = None,
    unique_key: KeyOf | None = None,
    limit_key: KeyOf | None = None,
    limit_max: int = 1,
    run_in: Place = "thread",
) -> Callable[[F], F]:
    """Give a task's function a policy; stands below `@task`.

    `unique_key`: at most one task waits under this key; a text, or a function of the task's arguments that returns one.
    `limit_key`, `limit_max`: at most so many tasks under the key run at once, over all workers.
    `run_in="process"`: in a child process, which can be killed and cannot take the worker with it.
    """
    chosen = Policy(
        attempts_max=attempts_max,
        backoff_s=backoff_s,
        backoff_factor=backoff_factor,
        backoff_max_s=backoff_max_s,
        retry_on=retry_on,
        timeout_s=timeout_s,
        unique_key=unique_key,
        limit_key=limit_key,
        limit_max=limit_max,
        run_in=run_in,
    )

    def attach(function: F) -> F:
        setattr(function, ATTRIBUTE, chosen)
        return function

    return attach


def policy_by(choose: PolicyByCall) -> Callable[[F], F]:
    """Give a task's function a policy that depends on the keyword arguments of the call."""

    def attach(function: F) -> F:
        setattr(function, ATTRIBUTE_BY_CALL, choose)
        return function

    return attach


def policy_of(function: Callable[..., Any]) -> Policy:
    """The function's policy, or the default one."""
    found = getattr(function, ATTRIBUTE, DEFAULT_POLICY)
    return found if isinstance(found, Policy) else DEFAULT_POLICY


def key_for(key: KeyOf | None, args: tuple[Any, ...] | list[Any], kwargs: dict[str, Any]) -> str | None:
    """The key of one call: as it is, or as the function makes it from the call's arguments."""
    return key(*args, **kwargs) if callable(key) else key

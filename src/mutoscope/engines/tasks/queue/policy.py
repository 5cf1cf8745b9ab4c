"""How one task wants to be treated: tries, waiting between them, time allowed, sharing, and where it runs.

A policy hangs on the task's function, not on the task, where other backends of the tasks API do not look.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Literal, TypeVar

F = TypeVar("F", bound=Callable[..., Any])
KeyOf = str | Callable[..., str | None]
Place = Literal["thread", "process"]

ATTRIBUTE = "__task_policy__"

# Ten years. PostgreSQL and Python write dates that far ahead; nobody waits longer for a task.
DURATION_S_MAX = 10 * 365 * 86_400.0
# A task's attempts are counted in two bytes.
ATTEMPTS_MAX_MAX = 30_000
LIMIT_MAX_MAX = 32_767
# An index entry holds some 2,700 bytes, a character takes four at most.
KEY_CHARACTERS_MAX = 500
PLACES = ("thread", "process")


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
        _check_whole("attempts_max", self.attempts_max, ATTEMPTS_MAX_MAX)
        _check_whole("limit_max", self.limit_max, LIMIT_MAX_MAX)
        checked_duration("backoff_s", self.backoff_s)
        checked_duration("backoff_max_s", self.backoff_max_s)
        if not _is_number(self.backoff_factor) or not 1 <= self.backoff_factor < math.inf:
            raise ValueError(f"backoff_factor is {self.backoff_factor!r}, and has to be a number of at least 1")
        if self.timeout_s is not None and checked_duration("timeout_s", self.timeout_s) == 0:
            raise ValueError("timeout_s is 0, and has to be more than that, or None for no limit")
        kinds: Any = self.retry_on
        if not isinstance(kinds, tuple) or not all(
            isinstance(one, type) and issubclass(one, BaseException) for one in kinds
        ):
            raise ValueError(
                f"retry_on is {kinds!r}, and has to be a tuple of exceptions, such as (OSError,); () for none"
            )
        for name, key in (("unique_key", self.unique_key), ("limit_key", self.limit_key)):
            if not callable(key):
                checked_key(name, key)
        if self.run_in not in PLACES:
            raise ValueError(f"run_in is {self.run_in!r}, and has to be one of {', '.join(map(repr, PLACES))}")

    def retry_delay_s(self, attempt: int, error: BaseException) -> float | None:
        """Seconds to wait after this failed attempt (the first is 1); None when it was the last.

        Capped exponential backoff with equal jitter: at least half of the step, so that a retry never comes at once,
        and at most all of it, so that tasks that failed together do not come back together.
        """
        if isinstance(error, RetryLater):
            # Checked once more: a class made from it may have set its own.
            delay_s = checked_duration("delay", error.delay_s)
            return delay_s if error.past_attempts_max or attempt < self.attempts_max else None
        if isinstance(error, Declined) or attempt >= self.attempts_max or not isinstance(error, self.retry_on):
            return None
        try:
            grown_s = self.backoff_s * self.backoff_factor ** (attempt - 1)
        except OverflowError:
            # Too large for a number, so far beyond the cap.
            grown_s = math.inf if self.backoff_s else 0.0
        step_s = min(grown_s, self.backoff_max_s)
        return step_s * random.uniform(0.5, 1.0)  # noqa: S311 - spreads load, guards nothing


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def checked_duration(name: str, value: float) -> float:
    """The number of seconds, if it is one: from 0 to ten years. Raises ValueError with the field's name."""
    # Written so that what is no number at all, which compares to nothing, is refused too.
    if not _is_number(value) or not 0 <= value <= DURATION_S_MAX:
        raise ValueError(f"{name} is {value!r}, and has to be a number of seconds from 0 to {DURATION_S_MAX:.0f}")
    return value


def _check_whole(name: str, value: Any, most: int) -> None:
    if not isinstance(value, int) or isinstance(value, bool) or not 1 <= value <= most:
        raise ValueError(f"{name} is {value!r}, and has to be a whole number from 1 to {most}")


def check_limit(name: str, value: int | None) -> None:
    """Raise ValueError with the field's name for what is no number of tasks that may run at once; None is any number."""
    if value is not None:
        _check_whole(name, value, LIMIT_MAX_MAX)


def checked_key(name: str, key: Any) -> str | None:
    """The key, if it can be stored and looked up. Raises ValueError with the field's name."""
    if key is None or (isinstance(key, str) and len(key) <= KEY_CHARACTERS_MAX):
        return key
    shown = repr(key) if not isinstance(key, str) else f"{key[:40]!r} and so on, {len(key):,} characters"
    raise ValueError(f"{name} is {shown}, and has to be a text of at most {KEY_CHARACTERS_MAX} characters")


DEFAULT_POLICY = Policy()

ATTRIBUTE_BY_CALL = "__task_policy_by_call__"
PolicyByCall = Callable[[dict[str, Any]], Policy]


class RetryLater(Exception):
    """Raised by a task that wants to be tried again after `delay`, whatever its `retry_on` says.

    The delay is in seconds, ten years at most. It counts as an attempt. With `past_attempts_max` it is tried again even after the last one: for waiting, not failing.
    """

    def __init__(self, delay: float | timedelta, reason: str = "", *, past_attempts_max: bool = False) -> None:
        self.delay_s = checked_duration("delay", delay.total_seconds() if isinstance(delay, timedelta) else delay)
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


def key_for(name: str, key: KeyOf | None, args: tuple[Any, ...] | list[Any], kwargs: dict[str, Any]) -> str | None:
    """The key of one call: as it is, or as the function makes it from the call's arguments. Raises ValueError with the name."""
    return checked_key(name, key(*args, **kwargs)) if callable(key) else key

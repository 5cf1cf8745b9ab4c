"""Tasks of every kind, for the tests to enqueue."""

from __future__ import annotations

import asyncio
import os
import signal
import threading
import time
from decimal import Decimal
from typing import Any

from django.db import connection, transaction

from mutoscope.engines.tasks.compat import TaskContext, task
from mutoscope.engines.tasks.queue.policy import Declined, RetryLater, policy, policy_by

# What ran in this process, in order: tests that run a worker in their own process look here.
RAN: list[Any] = []
RAN_LOCK = threading.Lock()
GATE = threading.Event()
STARTED = threading.Event()


class NoFilm(Declined):
    """What was given is at fault."""


def note(what: Any) -> None:
    with RAN_LOCK:
        RAN.append(what)


@task()
def noop() -> None:
    return None


@task()
def add(a: int, b: int = 0) -> int:
    note((a, b))
    return a + b


@task()
def echo(value: Any) -> Any:
    return value


@task()
async def aecho(value: Any) -> Any:
    await asyncio.sleep(0)
    return value


@task()
def fail(message: str = "broken") -> None:
    raise ValueError(message)


@task()
async def afail() -> None:
    raise ValueError("broken in a coroutine")


@task()
def returns_no_json() -> object:
    return object()


@task()
@policy(attempts_max=3, backoff_s=0.01)
def fails_twice(key: str) -> str:
    note(key)
    if RAN.count(key) < 3:
        raise ValueError(f"not yet: {key}")
    return "at last"


@task(takes_context=True)
@policy(attempts_max=1000, backoff_s=0.01, backoff_max_s=0.05)
def fails_once(context: Any, value: int) -> int:
    if context.attempt < 2:
        raise ValueError("the first attempt fails")
    return value


@task()
@policy(attempts_max=3, backoff_s=0.01, retry_on=(KeyError,))
def fails_for_good() -> None:
    note("fails_for_good")
    raise ValueError("no use in trying again")


@task()
def asks_for_later(key: str) -> str:
    note(key)
    if RAN.count(key) < 2:
        raise RetryLater(0.01, past_attempts_max=True)
    return "later"


@task(takes_context=True)
def with_context(context: Any, value: str) -> dict[str, Any]:
    return {"id": context.task_result.id, "attempt": context.attempt, "value": value}


@task(takes_context=True)
def reports(context: Any) -> None:
    context.report(0.25, "a quarter")
    STARTED.set()
    GATE.wait(120)


@task()
def waits_at_the_gate(name: str) -> str:
    return wait_at_the_gate(name)


def wait_at_the_gate(name: str) -> str:
    note(f"begin {name}")
    STARTED.set()
    GATE.wait(120)
    note(f"end {name}")
    return name


@task()
@policy(limit_key="twins", limit_max=2)
def limited(name: str) -> None:
    note(f"begin {name}")
    GATE.wait(120)
    note(f"end {name}")


@task()
@policy(unique_key=lambda name: f"unique:{name}")
def unique(name: str) -> str:
    note(name)
    return name


@task()
@policy(unique_key=lambda name: f"retried:{name}", attempts_max=2, backoff_s=0.01)
def unique_fails(name: str) -> None:
    note(name)
    STARTED.set()
    GATE.wait(120)
    raise ValueError(name)


@task()
@policy(timeout_s=0.2)
def spins() -> None:
    while True:
        time.sleep(0.001)


@task()
def spins_until_stopped() -> None:
    STARTED.set()
    until = time.monotonic() + 20
    while time.monotonic() < until:
        time.sleep(0.001)


@task()
@policy(timeout_s=0.2)
async def sleeps_in_a_coroutine() -> None:
    await asyncio.sleep(60)


@task()
async def waits_in_a_coroutine() -> None:
    STARTED.set()
    await asyncio.sleep(60)


@task()
@policy(run_in="process")
def child_pid(value: int) -> dict[str, int]:
    return {"pid": os.getpid(), "value": value}


@task()
@policy(run_in="process", timeout_s=0.3)
def child_hangs() -> None:
    time.sleep(60)


@task()
@policy(run_in="process")
def child_dies() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


@task()
@policy(attempts_max=3, backoff_s=0.01)
def declines() -> None:
    note("declines")
    raise NoFilm("This file is no film.")


@task(takes_context=True)
@policy(attempts_max=3, backoff_s=0.01)
def declines_and_says_so(context: TaskContext) -> None:
    with connection.cursor() as cursor:
        cursor.execute("INSERT INTO notes (text) VALUES (%s)", [f"declines {context.task_result.id} {context.attempt}"])
    raise NoFilm("This file is no film.")


@task()
@policy(attempts_max=3, backoff_s=0.01, run_in="process")
def child_declines() -> None:
    raise NoFilm("This file is no film.")


@task()
@policy(run_in="process")
def child_fails() -> None:
    raise KeyError("in the child")


@task()
def sleeps_then_writes(text: str, seconds: float) -> str:
    with connection.cursor() as cursor:
        cursor.execute("INSERT INTO notes (text) VALUES (%s)", [f"begin {text}"])
    time.sleep(seconds)
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("INSERT INTO notes (text) VALUES (%s)", [f"end {text}"])
    return text


@task(takes_context=True)
def waits_to_be_killed_once(context: TaskContext, text: str) -> str:
    """Its first attempt goes on until the worker is killed, however slow the machine."""
    with connection.cursor() as cursor:
        cursor.execute("INSERT INTO notes (text) VALUES (%s)", [f"begin {text}"])
    if context.attempt == 1:
        time.sleep(600)
    with connection.cursor() as cursor:
        cursor.execute("INSERT INTO notes (text) VALUES (%s)", [f"end {text}"])
    return text


class LaterAndWrong(RetryLater):
    """Made by someone who forgot what the class needs."""

    def __init__(self) -> None:
        Exception.__init__(self, "later")


class LaterThanTime(RetryLater):
    """Says something else in the end than what was checked."""

    def __init__(self, delay_s: float) -> None:
        super().__init__(1)
        self.delay_s = delay_s


@task()
def breaks_its_judge() -> None:
    raise LaterAndWrong


@task()
async def breaks_its_judge_in_a_coroutine() -> None:
    raise LaterAndWrong


@task()
@policy(run_in="process")
def breaks_its_judge_in_a_child() -> None:
    raise LaterAndWrong


@task()
@policy(attempts_max=2)
def asks_for_a_time_that_is_none(delay_s: str) -> None:
    raise RetryLater(float(delay_s))


@task()
@policy(attempts_max=2)
def asks_for_a_time_that_is_none_unnoticed(delay_s: str) -> None:
    raise LaterThanTime(float(delay_s))


@task(takes_context=True)
@policy(attempts_max=2, backoff_s=0.01)
def says_what_cannot_be_written(context: Any) -> str:
    context.report(Decimal("0.5"), "a\x00b\ud800")
    if context.attempt == 1:
        raise ValueError("\x00 and \ud800")
    return "written"


@task()
def enqueues_another(more: int) -> None:
    note(more)
    if more:
        enqueues_another.enqueue(more - 1)


@task()
@policy_by(lambda _: None)  # type: ignore[arg-type, return-value]
def has_no_policy_for_its_call() -> None:
    raise ValueError("as it is")


@task()
@policy_by(lambda _: None)  # type: ignore[arg-type, return-value]
@policy(run_in="process")
def has_no_policy_for_its_call_in_a_child() -> None:
    raise ValueError("as it is")

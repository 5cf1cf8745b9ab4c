"""What no task can be given is refused as it is enqueued, by the name of the field, and nothing is stored."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import Any

import pytest

from mutoscope.engines.tasks.compat import InvalidTaskError
from mutoscope.engines.tasks.queue.admin import arguments_of
from mutoscope.engines.tasks.queue.backend import PostgresBackend
from mutoscope.engines.tasks.queue.models import FinishedTask, LiveTask
from mutoscope.engines.tasks.queue.policy import KEY_CHARACTERS_MAX
from tests.engines.tasks.project import tasks

WEST = timezone(timedelta(hours=-5))
EAST = timezone(timedelta(hours=14))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("run_after", datetime(9999, 12, 31, 23, 59, tzinfo=WEST)),
        ("run_after", datetime(1, 1, 1, tzinfo=EAST)),
        ("run_after", timedelta(hours=1)),
        ("priority", True),
        ("priority", 1.0),
        ("limit_max", -1),
        ("limit_max", 0),
        ("limit_max", 2**40),
        ("limit_max", True),
        ("unique_key", "k" * (KEY_CHARACTERS_MAX + 1)),
        ("unique_key", 7),
        ("limit_key", "k" * 10_000),
        ("when_taken", "bogus"),
    ],
)
def test_what_a_task_cannot_have_is_refused_by_its_field(backend: PostgresBackend, name: str, value: Any) -> None:
    with pytest.raises((ValueError, InvalidTaskError), match=name):
        tasks.echo.using(**{name: value})


@pytest.mark.parametrize(
    "run_after",
    [datetime(9998, 12, 30, 19, 0, tzinfo=WEST), datetime(2, 1, 1, 14, 0, tzinfo=EAST)],
    ids=["late", "early"],
)
def test_the_first_and_the_last_moment_can_be_read_again(backend: PostgresBackend, run_after: datetime) -> None:
    result = tasks.echo.using(run_after=run_after).enqueue(1)
    assert backend.get_result(result.id).task.run_after == run_after
    assert LiveTask.objects.get().run_at == run_after


def test_the_longest_key_can_be_stored_and_found(backend: PostgresBackend) -> None:
    key = "".join(chr(0x1F300 + number) for number in range(KEY_CHARACTERS_MAX))
    task = tasks.echo.using(unique_key=key, limit_key=key)
    assert task.enqueue(1).id == task.enqueue(2).id


def test_a_key_made_from_arguments_is_checked_as_well(backend: PostgresBackend) -> None:
    with pytest.raises(ValueError, match="unique_key"):
        tasks.unique.enqueue("n" * KEY_CHARACTERS_MAX)
    assert not LiveTask.objects.exists()


@pytest.mark.parametrize("task", [tasks.echo, tasks.unique], ids=["plain", "keyed"])
@pytest.mark.parametrize("call", ["Bo", ("Bo", {}), (("Bo",), "Bo"), ("Bo",), (("Bo",), {"x": object()}), 7])
def test_one_call_of_many_that_is_none_is_named_and_none_is_enqueued(
    backend: PostgresBackend, task: Any, call: Any
) -> None:
    with pytest.raises(TypeError, match="Call 1 is"):
        backend.enqueue_many(task, [(("Ada",), {}), call])
    assert not LiveTask.objects.exists()


@pytest.mark.parametrize(("args", "kwargs"), [("Bo", {}), (("Bo",), "Bo"), (7, {}), ((), ["Bo"])])
def test_arguments_that_are_none_are_refused(backend: PostgresBackend, args: Any, kwargs: Any) -> None:
    with pytest.raises(TypeError, match="args is"):
        backend.enqueue(tasks.echo, args, kwargs)
    assert not LiveTask.objects.exists()


@pytest.mark.parametrize(("args", "kwargs"), [('"B"', '"o"'), ("7", "{}"), ("no JSON", "{}")])
def test_a_row_whose_arguments_are_none_is_shown_all_the_same(args: str, kwargs: str) -> None:
    assert arguments_of(FinishedTask(args=args, kwargs=kwargs)) == f"{args} {kwargs}"


def test_a_unique_key_is_one_name_for_all_tasks(backend: PostgresBackend) -> None:
    first = tasks.echo.using(unique_key="everybody's").enqueue("first")
    second = tasks.noop.using(unique_key="everybody's").enqueue()
    assert (second.id, second.task.module_path) == (first.id, tasks.echo.module_path)

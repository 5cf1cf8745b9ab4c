"""What `manage.py check` finds in TASKS, and the admin's pages where the queue has a database of its own."""

from __future__ import annotations

import copy
import math
from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib import admin
from django.core.checks import run_checks
from django.db import connections
from django.db.models import Model

from mutoscope.engines.tasks.pipelines.models import Run
from mutoscope.engines.tasks.queue.backend import PostgresBackend
from mutoscope.engines.tasks.queue.models import FinishedTask, LiveTask, QueueSettings, ScheduleRecord, WorkerRecord

OURS = "mutoscope.engines.tasks.queue.backend.PostgresBackend"


def found() -> list[tuple[str | None, str]]:
    return [(one.id, one.msg) for one in run_checks() if (one.id or "").startswith("tasks.")]


def test_the_settings_of_this_project_are_in_order(settings: Any) -> None:
    assert found() == []


@pytest.mark.parametrize(
    ("options", "message_id", "name"),
    [
        ({"DATABASE": "nope"}, "tasks.E001", "DATABASES['nope']"),
        ({"DATABASE": 7}, "tasks.E002", "DATABASE is 7"),
        ({"BOGUS": 1}, "tasks.E002", "BOGUS"),
        ({"BEAT_S": "x"}, "tasks.E002", "BEAT_S"),
        ({"BEAT_S": 3, "STALE_S": 4}, "tasks.E002", "STALE_S"),
        ({"GRACE_S": math.nan}, "tasks.E002", "GRACE_S"),
        ({"GRACE_S": -1}, "tasks.E002", "GRACE_S"),
        ({"POLL_S": math.inf}, "tasks.E002", "POLL_S"),
        ({"BATCH_MAX": 1.5}, "tasks.E002", "BATCH_MAX"),
        ({"LOST_MAX": True}, "tasks.E002", "LOST_MAX"),
        ({"RETENTION_DAYS": 10**9}, "tasks.E002", "RETENTION_DAYS"),
    ],
)
def test_an_option_that_makes_no_sense_is_found_once_and_named(
    settings: Any, options: dict[str, Any], message_id: str, name: str
) -> None:
    settings.TASKS = {"default": settings.TASKS["default"], "other": {"BACKEND": OURS, "OPTIONS": options}}
    [(found_id, message)] = found()
    assert found_id == message_id
    assert "TASKS['other']" in message
    assert name in message


def test_a_backend_that_cannot_be_imported_is_found(settings: Any) -> None:
    settings.TASKS = {"default": settings.TASKS["default"], "other": {"BACKEND": "no.such.Backend"}}
    assert found()[0][0] == "tasks.E002"


def test_tables_that_would_be_made_in_another_kind_of_database_are_found(
    settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connections["default"], "vendor", "sqlite")
    assert {message_id for message_id, _ in found()} == {"tasks.E001", "tasks.E003"}


@pytest.fixture
def elsewhere(backend: PostgresBackend, settings: Any) -> Iterator[str]:
    """An alias that the queue has for itself. Here it is the same database under another name."""
    connections.settings["elsewhere"] = copy.deepcopy(connections["default"].settings_dict)
    ours = settings.TASKS["default"]
    settings.TASKS = {"default": ours | {"OPTIONS": ours["OPTIONS"] | {"DATABASE": "elsewhere"}}}
    yield "elsewhere"
    connections["elsewhere"].close()
    del connections["elsewhere"]
    del connections.settings["elsewhere"]


@pytest.mark.parametrize(
    "model",
    [FinishedTask, LiveTask, QueueSettings, Run, ScheduleRecord, WorkerRecord],
    ids=lambda model: model.__name__,
)
def test_the_admin_lists_the_database_on_which_it_acts(
    elsewhere: str, model: type[Model], rf: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Django lets a test ask only the aliases that it knew beforehand.
    monkeypatch.setattr("mutoscope.engines.tasks.queue.admin.depths", lambda _: {})
    assert admin.site.get_model_admin(model).get_queryset(rf.get("/")).db == elsewhere

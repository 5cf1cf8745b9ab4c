"""Tasks at set times: declared in code beside the task, kept in a table, ticked by whichever worker comes first."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, TypeVar
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from cronsim import CronSim, CronSimError
from django.utils import timezone

from mutoscope.engines.tasks.compat import Task
from mutoscope.engines.tasks.queue.encoding import encode_args, encode_kwargs

T = TypeVar("T", bound="Task[..., Any]")


@dataclass(frozen=True, slots=True)
class Schedule:
    """One declared schedule. The cron expression is read in the schedule's own time zone."""

    name: str
    cron: str
    timezone: str
    task: Task[..., Any]
    args: tuple[Any, ...] = ()
    kwargs: dict[str, Any] = field(default_factory=dict)


_DECLARED: dict[str, Schedule] = {}


def schedule(
    cron: str,
    *,
    name: str | None = None,
    time_zone: str = "UTC",
    args: tuple[Any, ...] = (),
    kwargs: dict[str, Any] | None = None,
) -> Callable[[T], T]:
    """Enqueue the task at each tick of a cron expression; stands above `@task`.

    Each tick is enqueued once, by however many workers. Ticks missed while no worker ran are made up for by one. Raises
    ValueError for an expression or a zone that does not exist, for arguments that are no JSON, and for a second schedule
    without a name of its own.
    """
    next_tick(cron, time_zone, timezone.now())

    def declare(task: T) -> T:
        declared = Schedule(name or task.module_path, cron, time_zone, task, args, kwargs or {})
        try:
            encode_args(declared.args)
            encode_kwargs(declared.kwargs)
        except (TypeError, ValueError) as error:
            raise ValueError(f"The args or kwargs of schedule {declared.name!r} cannot be stored: {error}") from error
        other = _DECLARED.get(declared.name)
        # A module that is imported again declares the same once more.
        if other is not None and _what(other) != _what(declared):
            raise ValueError(
                f"Two schedules are named {declared.name!r}: give one a name of its own, with schedule(..., name=...)."
            )
        _DECLARED[declared.name] = declared
        return task

    return declare


def declared_schedules() -> list[Schedule]:
    """Every schedule that the imported code declares."""
    return list(_DECLARED.values())


def _what(one: Schedule) -> tuple[Any, ...]:
    return one.task.module_path, one.cron, one.timezone, one.args, one.kwargs


def next_tick(cron: str, time_zone: str, after: datetime) -> datetime:
    """The first tick after that moment. Raises ValueError."""
    try:
        zone = ZoneInfo(time_zone)
        return next(CronSim(cron, after.astimezone(zone))).astimezone(after.tzinfo)
    except (CronSimError, StopIteration) as error:
        raise ValueError(f"{cron!r} is no cron expression that ever ticks: {error}") from error
    except (ZoneInfoNotFoundError, ValueError) as error:
        raise ValueError(f"{time_zone!r} is no time zone") from error

"""From a row to the tasks API's TaskResult."""

from __future__ import annotations

import traceback
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from typing import TYPE_CHECKING, Any

from django.utils.module_loading import import_string

from mutoscope.engines.tasks.compat import Task, TaskError, TaskResult, TaskResultStatus
from mutoscope.engines.tasks.queue.encoding import decode
from mutoscope.engines.tasks.queue.policy import Declined

if TYPE_CHECKING:
    _Result = TaskResult[Any]
else:
    _Result = TaskResult

# As stored in tasks_finished.status; the live table has the first two.
READY, RUNNING, SUCCESSFUL, FAILED, CANCELLED, DECLINED = 0, -1, 1, 2, 3, 4

STATUSES = {
    READY: TaskResultStatus.READY,
    RUNNING: TaskResultStatus.RUNNING,
    SUCCESSFUL: TaskResultStatus.SUCCESSFUL,
    FAILED: TaskResultStatus.FAILED,
    # The tasks API has no word for it.
    CANCELLED: TaskResultStatus.FAILED,
    DECLINED: TaskResultStatus.FAILED,
}

ID_MAX = 2**63 - 1
TRACEBACK_CHARACTERS_MAX = 64_000


class TaskNotFound(Exception):
    """No task is defined at that path, in the code that this process runs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueTaskResult(_Result):
    """A TaskResult that also knows how far a running task is, whether it was cancelled, and whether it declined."""

    progress: float | None = field(default=None, compare=False)
    progress_note: str = field(default="", compare=False)
    is_cancelled: bool = field(default=False, compare=False)
    is_declined: bool = field(default=False, compare=False)

    def refresh(self) -> None:
        """Reload what the queue knows of the task."""
        self._take(self.task.get_backend().get_result(self.id))

    async def arefresh(self) -> None:
        """See refresh()."""
        self._take(await self.task.get_backend().aget_result(self.id))

    def _take(self, fresh: Any) -> None:
        for name in _REFRESHED:
            object.__setattr__(self, name, getattr(fresh, name))


_REFRESHED = (
    "errors",
    "_return_value",
    "finished_at",
    "started_at",
    "last_attempted_at",
    "status",
    "enqueued_at",
    "worker_ids",
    "progress",
    "progress_note",
    "is_cancelled",
    "is_declined",
)


@cache
def find_task(path: str) -> Task[..., Any]:
    """The task at that dotted path. Raises TaskNotFound."""
    try:
        found = import_string(path)
    except (ImportError, ValueError) as error:
        raise TaskNotFound(f"{path} cannot be imported: {error}") from error
    if not isinstance(found, Task):
        raise TaskNotFound(f"{path} is no task")
    return found


def parse_id(result_id: object) -> int | None:
    """A result's id as the database knows it; None for what can be no id."""
    if not isinstance(result_id, str) or not result_id.isascii() or not result_id.isdecimal() or len(result_id) > 19:
        return None
    number = int(result_id)
    return number if 0 < number <= ID_MAX else None


def trace_of(error: BaseException) -> str:
    """What is kept of an exception for people: the sentence of one that declined, else the end of its traceback. Never empty."""
    said = str(error) if isinstance(error, Declined) else ""
    return storable(said if said.strip() else "".join(traceback.format_exception(error)))[-TRACEBACK_CHARACTERS_MAX:]


def storable(text: str) -> str:
    """The text without what PostgreSQL's texts and jsonb do not hold: NUL, and halves of characters, as in names of files."""
    return text.replace("\x00", "\ufffd").encode(errors="replace").decode()


def task_error(error: BaseException, trace: str) -> dict[str, str]:
    """What is stored of an exception."""
    kind = type(error)
    return {"exception_class_path": f"{kind.__module__}.{kind.__qualname__}", "traceback": trace}


def made_result(values: dict[str, Any]) -> QueueTaskResult:
    """A result with these fields and nothing else to say.

    Its class would normalise the arguments once more, to JSON and back; they have been through that when they were stored.
    """
    result = object.__new__(QueueTaskResult)
    for name, value in _NOTHING_YET.items():
        object.__setattr__(result, name, value)
    for name, value in values.items():
        object.__setattr__(result, name, value)
    return result


_NOTHING_YET: dict[str, Any] = {
    "started_at": None,
    "finished_at": None,
    "last_attempted_at": None,
    "_return_value": None,
    "progress": None,
    "progress_note": "",
    "is_cancelled": False,
    "is_declined": False,
}


def new_result(
    task: Task[..., Any],
    result_id: str,
    enqueued_at: datetime | None,
    args: str,
    kwargs: str,
    backend: str,
) -> QueueTaskResult:
    """The result of a task just enqueued, from its arguments as they were stored."""
    return made_result(
        {
            "task": task,
            "id": result_id,
            "status": TaskResultStatus.READY,
            "enqueued_at": enqueued_at,
            "args": [] if args == "[]" else decode(args),
            "kwargs": {} if kwargs == "{}" else decode(kwargs),
            "backend": backend,
            "errors": [],
            "worker_ids": [],
        }
    )


def result_from_row(row: dict[str, Any], backend: str) -> QueueTaskResult:
    """A row of the statement `result`. Raises TaskNotFound."""
    task = find_task(row["path"]).using(priority=row["priority"], queue_name=row["queue"], run_after=row["run_at"])
    past = decode(row["past"]) if row["past"] else []
    status = row["status"]
    errors = [entry["error"] for entry in past if entry.get("error")]
    if row["error"]:
        errors.append(decode(row["error"]))
    worker_ids = [str(entry["worker"]) for entry in past]
    if row["worker_id"] is not None:
        worker_ids.append(str(row["worker_id"]))
    result = QueueTaskResult(
        task=task,
        id=str(row["id"]),
        status=STATUSES[status],
        enqueued_at=row["enqueued_at"],
        started_at=row["started_at"],
        finished_at=row["finished_at"],
        last_attempted_at=row["attempted_at"],
        args=decode(row["args"]),
        kwargs=decode(row["kwargs"]),
        backend=backend,
        errors=[TaskError(exception_class_path=e["exception_class_path"], traceback=e["traceback"]) for e in errors],
        worker_ids=worker_ids,
        progress=row["progress"],
        progress_note=row["progress_note"] or "",
        is_cancelled=status == CANCELLED,
        is_declined=status == DECLINED,
    )
    if row["result"] is not None:
        object.__setattr__(result, "_return_value", decode(row["result"]))
    return result

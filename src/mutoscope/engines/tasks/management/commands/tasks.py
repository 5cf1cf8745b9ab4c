"""`tasks`: look at and operate on the queue and on pipeline runs."""

from __future__ import annotations

import json
from argparse import ArgumentTypeError
from collections.abc import Callable
from typing import Any, TypeVar

from django.core.management.base import BaseCommand, CommandError, CommandParser

from mutoscope.engines.tasks.compat import TaskResultDoesNotExist
from mutoscope.engines.tasks.pipelines import pipeline as runs
from mutoscope.engines.tasks.pipelines.models import Run
from mutoscope.engines.tasks.pipelines.progress import read_progress
from mutoscope.engines.tasks.queue.backend import PostgresBackend, backend_of
from mutoscope.engines.tasks.queue.metrics import depths
from mutoscope.engines.tasks.queue.models import FinishedTask, LiveTask, QueueSettings, Status
from mutoscope.engines.tasks.queue.operate import Operator
from mutoscope.engines.tasks.queue.policy import LIMIT_MAX_MAX
from mutoscope.engines.tasks.queue.results import ID_MAX

Answer = dict[str, Any] | list[dict[str, Any]]

# What was done: the ids, or how many.
Done = TypeVar("Done", list[str], int)

LIST_MAX = 10_000

STATES = ("ready", "deferred", "running", "successful", "failed", "cancelled", "declined")


class Command(BaseCommand):
    help = "List, show, retry, cancel, drop and purge tasks; pause, resume and limit queues; look after pipeline runs."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--backend", default="default", help="Name in TASKS. Default: default.")
        commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")

        def command(name: str, text: str) -> CommandParser:
            added: CommandParser = commands.add_parser(name, help=text)
            added.add_argument("--json", action="store_true", help="Print JSON for programs.")
            return added

        listing = command("list", "List tasks, the newest first.")
        listing.add_argument("--state", choices=STATES, help="Only tasks in this state.")
        listing.add_argument("--queue", help="Only tasks of this queue.")
        listing.add_argument("--limit", type=_whole(1, LIST_MAX), default=50, help="At most so many. Default: 50.")
        for name, text in (
            ("show", "Show tasks in full."),
            ("retry", "Let failed or cancelled tasks wait again."),
            ("cancel", "End waiting tasks, ask running ones to stop."),
            ("drop", "Forget finished tasks."),
        ):
            command(name, text).add_argument("ids", nargs="+", help="Task ids.")
        command("queues", "Show every queue: how full it is, whether it is paused, its limit.")
        for name, text in (
            ("pause", "Let no worker claim from the queue."),
            ("resume", "Let workers claim from the queue again."),
            ("purge", "Drop every task that waits in the queue."),
        ):
            command(name, text).add_argument("queue")
        limit = command("limit", "Let at most so many of the queue's tasks run at once.")
        limit.add_argument("queue")
        limit.add_argument("running_max", type=_whole(0, LIMIT_MAX_MAX), help="0 for no limit.")
        runs_listing = command("runs", "List pipeline runs, the newest first.")
        runs_listing.add_argument("--limit", type=_whole(1, LIST_MAX), default=50, help="At most so many. Default: 50.")
        for name, text in (
            ("run", "Show how far a pipeline run is."),
            ("resume-run", "Let a failed, stopped or cancelled run go on with what it has not done."),
            ("cancel-run", "End a run; what it has done is kept."),
        ):
            command(name, text).add_argument("run_id", type=_whole(1, ID_MAX))

    def handle(self, *_: Any, **options: Any) -> None:
        backend = backend_of(options["backend"])
        action: Callable[[PostgresBackend, dict[str, Any]], Answer] = getattr(
            self, "on_" + options["command"].replace("-", "_")
        )
        answer = action(backend, options)
        if options["json"]:
            self.stdout.write(json.dumps(answer, default=str))
        else:
            self._print(answer)

    def _print(self, answer: Answer) -> None:
        if isinstance(answer, dict):
            width = max(map(len, answer), default=0)
            for name, value in answer.items():
                self.stdout.write(f"{name:<{width}}  {value}")
            return
        if not answer:
            self.stdout.write("Nothing.")
            return
        names = list(answer[0])
        table = [names, *([str(row[name]) for name in names] for row in answer)]
        widths = [max(len(row[column]) for row in table) for column in range(len(names))]
        for row in table:
            self.stdout.write("  ".join(f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True)).rstrip())

    # Tasks

    def on_list(self, backend: PostgresBackend, options: dict[str, Any]) -> Answer:
        state, queue, limit = options["state"], options["queue"], options["limit"]
        database = backend.configuration.database
        rows: list[dict[str, Any]] = []
        if state in (None, "ready", "deferred", "running"):
            live = LiveTask.objects.using(database).order_by("-id")
            if queue:
                live = live.filter(queue=queue)
            if state:
                live = live.filter(worker_id__isnull=state != "running", deferred=state == "deferred")
            rows += [_brief(task, live_state(task)) for task in live[:limit]]
        if state in (None, "successful", "failed", "cancelled", "declined"):
            finished = FinishedTask.objects.using(database).order_by("-id")
            if queue:
                finished = finished.filter(queue=queue)
            if state:
                finished = finished.filter(status=Status[state.upper()])
            rows += [_brief(task, Status(task.status).label) for task in finished[:limit]]
        return sorted(rows, key=lambda row: -int(row["id"]))[:limit]

    def on_show(self, backend: PostgresBackend, options: dict[str, Any]) -> Answer:
        shown = []
        for task_id in options["ids"]:
            try:
                result: Any = backend.get_result(task_id)
            except TaskResultDoesNotExist as error:
                raise CommandError(f"There is no task {task_id}.") from error
            shown.append(
                {
                    "id": result.id,
                    "task": result.task.module_path,
                    "state": _state(result),
                    "queue": result.task.queue_name,
                    "priority": result.task.priority,
                    "args": result.args,
                    "kwargs": result.kwargs,
                    "attempts": result.attempts,
                    "workers": result.worker_ids,
                    "enqueued_at": result.enqueued_at,
                    "started_at": result.started_at,
                    "finished_at": result.finished_at,
                    "progress": result.progress,
                    "result": result._return_value,
                    "errors": [error.traceback for error in result.errors],
                }
            )
        return shown[0] if len(shown) == 1 else shown

    def on_retry(self, backend: PostgresBackend, options: dict[str, Any]) -> Answer:
        return {"retried": _some(Operator(backend).retry(options["ids"]), options, "failed or was cancelled")}

    def on_cancel(self, backend: PostgresBackend, options: dict[str, Any]) -> Answer:
        operator = Operator(backend)
        cancelled = [task_id for task_id in options["ids"] if operator.cancel(task_id)]
        return {"cancelled": _some(cancelled, options, "waits or runs")}

    def on_drop(self, backend: PostgresBackend, options: dict[str, Any]) -> Answer:
        return {"dropped": _some(Operator(backend).drop(options["ids"]), options, "has ended")}

    # Queues

    def on_queues(self, backend: PostgresBackend, _: dict[str, Any]) -> Answer:
        settings = {row.name: row for row in QueueSettings.objects.using(backend.configuration.database)}
        return [
            {
                "queue": queue,
                "ready": depth.ready,
                "deferred": depth.deferred,
                "running": depth.running,
                "oldest_s": round(depth.oldest_s, 1),
                "paused": queue in settings and settings[queue].paused,
                "running_max": settings[queue].running_max if queue in settings else None,
            }
            for queue, depth in depths(backend).items()
        ]

    def on_pause(self, backend: PostgresBackend, options: dict[str, Any]) -> Answer:
        Operator(backend).pause(_queue(backend, options))
        return {"paused": options["queue"]}

    def on_resume(self, backend: PostgresBackend, options: dict[str, Any]) -> Answer:
        Operator(backend).resume(_queue(backend, options))
        return {"resumed": options["queue"]}

    def on_purge(self, backend: PostgresBackend, options: dict[str, Any]) -> Answer:
        return {"purged": Operator(backend).purge(_queue(backend, options))}

    def on_limit(self, backend: PostgresBackend, options: dict[str, Any]) -> Answer:
        running_max = options["running_max"] or None
        Operator(backend).limit(_queue(backend, options), running_max)
        return {"queue": options["queue"], "running_max": running_max}

    # Runs

    def on_runs(self, backend: PostgresBackend, options: dict[str, Any]) -> Answer:
        return [
            {
                "id": run.id,
                "pipeline": run.pipeline,
                "subject": run.subject,
                "state": run.state,
                "started": run.started_at,
            }
            for run in Run.objects.using(backend.configuration.database).order_by("-id")[: options["limit"]]
        ]

    def on_run(self, backend: PostgresBackend, options: dict[str, Any]) -> Answer:
        try:
            progress = read_progress(options["run_id"], backend.alias)
        except runs.UnknownRun as error:
            raise CommandError(str(error)) from error
        return {
            "id": progress.run_id,
            "pipeline": progress.pipeline,
            "subject": progress.subject,
            "state": progress.state,
            "progress": round(progress.fraction, 3),
            "running": [f"{one.unit} {one.item}".strip() for one in progress.live],
            "error": progress.error["traceback"] if progress.error else None,
        }

    def on_resume_run(self, backend: PostgresBackend, options: dict[str, Any]) -> Answer:
        try:
            places = runs.resume(options["run_id"], backend.alias)
        except (runs.UnknownRun, runs.WrongState) as error:
            raise CommandError(str(error)) from error
        return {"resumed": options["run_id"], "units": [f"{unit} {item}".strip() for unit, item in places]}

    def on_cancel_run(self, backend: PostgresBackend, options: dict[str, Any]) -> Answer:
        try:
            return {"cancelled": runs.cancel(options["run_id"], backend.alias)}
        except runs.UnknownRun as error:
            raise CommandError(str(error)) from error


def _whole(least: int, most: int) -> Callable[[str], int]:
    """A reader of whole numbers between two, for the parser."""

    def read(text: str) -> int:
        if not text.removeprefix("-").isdecimal() or not least <= int(text) <= most:
            raise ArgumentTypeError(f"{text!r} has to be a whole number from {least} to {most}")
        return int(text)

    return read


def _some(done: Done, options: dict[str, Any], how: str) -> Done:
    """What was done. Raises CommandError where it was nothing: who asked for it hears so, a script too."""
    if not done:
        raise CommandError(
            f"Nothing was done: none of {', '.join(options['ids'])} {how}. `tasks show ID` says how each stands."
        )
    return done


def _queue(backend: PostgresBackend, options: dict[str, Any]) -> str:
    """The queue that was named, if there is one: in TASKS, or because a worker or a task knows it."""
    queue: str = options["queue"]
    rows = QueueSettings.objects.using(backend.configuration.database)
    if backend.queues and queue not in backend.queues and not rows.filter(name=queue).exists():
        known = set(depths(backend)) | set(rows.values_list("name", flat=True))
        if queue not in known:
            raise CommandError(f"There is no queue {queue!r}; there are {', '.join(sorted(known))}.")
    return queue


def live_state(task: LiveTask) -> str:
    """In one word, what a live task is doing."""
    if task.worker_id is not None:
        return "running"
    return "deferred" if task.deferred else "ready"


def _brief(task: LiveTask | FinishedTask, state: str) -> dict[str, Any]:
    return {
        "id": str(task.id),
        "task": task.path,
        "queue": task.queue,
        "state": state,
        "attempt": task.attempt,
        "enqueued": task.enqueued_at.isoformat(timespec="seconds"),
    }


def _state(result: Any) -> str:
    """Also where the tasks API has no word for it."""
    return "CANCELLED" if result.is_cancelled else "DECLINED" if result.is_declined else str(result.status)

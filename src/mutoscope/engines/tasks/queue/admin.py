"""The queue in Django's admin: look at everything, change nothing but through the operator."""

from __future__ import annotations

from typing import Any, ClassVar

from django.contrib import admin, messages
from django.db import connections
from django.db.models import Model, QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.html import format_html

from mutoscope.engines.tasks.queue.backend import backend_of
from mutoscope.engines.tasks.queue.encoding import decode
from mutoscope.engines.tasks.queue.metrics import Depth, depths
from mutoscope.engines.tasks.queue.models import (
    WORKER_STATES,
    FinishedTask,
    LiveTask,
    QueueSettings,
    ScheduleRecord,
    Status,
    WorkerRecord,
)
from mutoscope.engines.tasks.queue.operate import Operator

SHOWN_MAX = 4000


class ReadOnly(admin.ModelAdmin[Any]):
    """Nothing is added, edited or deleted by hand: states move through guarded SQL only."""

    show_full_result_count = False
    show_facets = admin.ShowFacets.NEVER
    list_per_page = 50

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        # Where the operator acts too: an id means another task in another database.
        return super().get_queryset(request).using(backend_of().configuration.database)

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> Any:
        title = str(self.opts.verbose_name_plural)
        return super().changelist_view(request, {"title": title[:1].upper() + title[1:], **(extra_context or {})})

    def has_add_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        # Of the list, where actions need it. A row's own page has nothing to save.
        return obj is None and super().has_change_permission(request)

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[Any]:
        return [field.name for field in self.model._meta.fields]


class QueueFilter(admin.SimpleListFilter):
    """By queue, without asking the table which queues it has."""

    title = "queue"
    parameter_name = "queue"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(queue, queue) for queue in sorted(backend_of().queues)]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset.filter(queue=self.value()) if self.value() else queryset


class StateFilter(admin.SimpleListFilter):
    """What a live task is doing."""

    title = "state"
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("ready", "ready"), ("deferred", "waits for its time"), ("running", "running")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        if self.value() == "running":
            return queryset.filter(worker_id__isnull=False)
        if self.value() is not None:
            return queryset.filter(worker_id__isnull=True, deferred=self.value() == "deferred")
        return queryset


class WorkerStateFilter(admin.SimpleListFilter):
    """How a worker stands, in the words of the list."""

    title = "state"
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(state, state.lower()) for state in WORKER_STATES]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset.filter(state=self.value()) if self.value() else queryset


@admin.display(description="task", ordering="path")
def name_of(task: LiveTask | FinishedTask | ScheduleRecord) -> str:
    """The task's own name, with the whole path on hovering."""
    return format_html('<span title="{}">{}</span>', task.path, ".".join(task.path.split(".")[-2:]))


@admin.display(description="state", ordering="paused")
def open_or_paused(row: QueueSettings | ScheduleRecord) -> str:
    """In a word: a cross or a tick would leave open which of the two is meant."""
    return "Paused" if row.paused else "Running"


@admin.display(description="arguments")
def arguments_of(task: LiveTask | FinishedTask) -> str:
    """The call as one would write it, cut short."""
    try:
        given = [repr(value) for value in decode(task.args)]
        given += [f"{name}={value!r}" for name, value in decode(task.kwargs).items()]
        text = ", ".join(given)
    except (AttributeError, TypeError, ValueError):
        # Whoever wrote the row by hand: one such row must not take the page.
        text = f"{task.args} {task.kwargs}"
    return text if len(text) <= 80 else text[:77] + "..."


@admin.register(LiveTask)
class LiveTaskAdmin(ReadOnly):
    list_display = (
        "id",
        name_of,
        arguments_of,
        "queue",
        "state",
        "attempt",
        "enqueued_at",
        "run_at",
    )
    list_filter = (StateFilter, QueueFilter)
    search_fields = ("=id", "path")
    ordering = ("-id",)
    actions = ("cancel", "run_now")

    @admin.display(description="state")
    def state(self, task: LiveTask) -> str:
        if task.worker_id is None:
            return "waits for its time" if task.deferred else "ready"
        if task.cancel_requested:
            return "running, asked to stop"
        return "running" if task.progress is None else f"running, {task.progress:.0%} {task.progress_note or ''}"

    @admin.action(description="Cancel", permissions=["change"])
    def cancel(self, request: HttpRequest, queryset: QuerySet[LiveTask]) -> None:
        operator = Operator(backend_of())
        number = sum(operator.cancel(str(task.id)) for task in queryset)
        messages.success(request, f"{number} tasks cancelled, or asked to stop.")

    @admin.action(description="Run now what waits for its time", permissions=["change"])
    def run_now(self, request: HttpRequest, queryset: QuerySet[LiveTask]) -> None:
        ids = Operator(backend_of()).run_now([str(task.id) for task in queryset])
        messages.success(request, f"{len(ids)} tasks may run now.")


@admin.register(FinishedTask)
class FinishedTaskAdmin(ReadOnly):
    list_display = ("id", name_of, arguments_of, "queue", "status", "attempt", "finished_at", "took")
    list_filter = ("status", QueueFilter)
    search_fields = ("=id",)
    ordering = ("-id",)
    actions = ("retry", "drop")

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[Any]:
        return [*super().get_readonly_fields(request, obj), "why"]

    @admin.display(description="took", ordering="run_us")
    def took(self, task: FinishedTask) -> str:
        return "" if task.run_us is None else f"{task.run_us / 1000:,.1f} ms"

    @admin.display(description="why it failed")
    def why(self, task: FinishedTask) -> str:
        return format_html("<pre>{}</pre>", decode(task.error)["traceback"][-SHOWN_MAX:]) if task.error else ""

    @admin.action(description="Retry what failed or was cancelled", permissions=["change"])
    def retry(self, request: HttpRequest, queryset: QuerySet[FinishedTask]) -> None:
        dead = queryset.exclude(status=Status.SUCCESSFUL)
        ids = Operator(backend_of()).retry([str(task.id) for task in dead])
        messages.success(request, f"{len(ids)} tasks wait again.")

    @admin.action(description="Drop", permissions=["change"])
    def drop(self, request: HttpRequest, queryset: QuerySet[FinishedTask]) -> None:
        number = Operator(backend_of()).drop([str(task.id) for task in queryset])
        messages.success(request, f"{number} tasks dropped.")


@admin.register(QueueSettings)
class QueueAdmin(ReadOnly):
    list_display = ("name", open_or_paused, "running_max", "ready", "deferred", "running", "oldest")
    ordering = ("name",)
    actions = ("pause", "resume", "purge")

    def get_queryset(self, request: HttpRequest) -> QuerySet[QueueSettings]:
        # One look at the live table for the whole page.
        self._depths = depths(backend_of())
        return super().get_queryset(request)

    fields: ClassVar[Any] = ("name", open_or_paused, "running_max")

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[Any]:
        return ["name", open_or_paused]

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        Operator(backend_of()).limit(obj.name, obj.running_max)

    def _depth(self, queue: QueueSettings) -> Depth:
        return self._depths.get(queue.name, Depth(0, 0, 0, 0.0))

    @admin.display(description="ready")
    def ready(self, queue: QueueSettings) -> int:
        return self._depth(queue).ready

    @admin.display(description="wait for their time")
    def deferred(self, queue: QueueSettings) -> int:
        return self._depth(queue).deferred

    @admin.display(description="running")
    def running(self, queue: QueueSettings) -> int:
        return self._depth(queue).running

    @admin.display(description="oldest ready")
    def oldest(self, queue: QueueSettings) -> str:
        return f"{self._depth(queue).oldest_s:.0f} s"

    @admin.action(description="Pause", permissions=["change"])
    def pause(self, request: HttpRequest, queryset: QuerySet[QueueSettings]) -> None:
        for queue in queryset:
            Operator(backend_of()).pause(queue.name)

    @admin.action(description="Resume", permissions=["change"])
    def resume(self, request: HttpRequest, queryset: QuerySet[QueueSettings]) -> None:
        for queue in queryset:
            Operator(backend_of()).resume(queue.name)

    @admin.action(description="Purge: drop everything that waits", permissions=["change"])
    def purge(self, request: HttpRequest, queryset: QuerySet[QueueSettings]) -> None:
        number = sum(Operator(backend_of()).purge(queue.name) for queue in queryset)
        messages.warning(request, f"{number} tasks dropped.")


@admin.register(WorkerRecord)
class WorkerAdmin(ReadOnly):
    list_display = (
        "id",
        "name",
        "health",
        "beat",
        "served",
        "concurrency",
        "succeeded",
        "failed",
        "retried",
    )
    list_filter = (WorkerStateFilter,)
    ordering = ("-id",)

    @admin.display(description="queues")
    def served(self, worker: WorkerRecord) -> str:
        text = worker.queues
        return text if len(text) <= 40 else text[:37] + "..."

    @admin.display(description="state", ordering="state")
    def health(self, worker: WorkerRecord) -> str:
        silent = worker.ended_at is None and self._silence_s(worker) > backend_of().configuration.stale_s
        return "silent" if silent else worker.state.lower()

    @admin.display(description="last beat", ordering="beat_at")
    def beat(self, worker: WorkerRecord) -> str:
        if worker.ended_at is not None:
            return f"ended {worker.ended_at:%d %b %H:%M}"
        return f"{self._silence_s(worker):.0f} s ago"

    def _silence_s(self, worker: WorkerRecord) -> float:
        return max(0.0, (timezone.now() - worker.beat_at).total_seconds())


@admin.register(ScheduleRecord)
class ScheduleAdmin(ReadOnly):
    list_display = ("name", open_or_paused, "when", "next_at", "last_at")
    ordering = ("next_at",)
    actions = ("pause", "resume", "tick_now")
    fields: ClassVar[Any] = (
        "name",
        open_or_paused,
        "when",
        "next_at",
        "last_at",
        "last_task_id",
        "path",
        "args",
        "kwargs",
    )

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[Any]:
        return list(self.fields)

    @admin.display(description="cron", ordering="cron")
    def when(self, schedule: ScheduleRecord) -> str:
        return f"{schedule.cron} {schedule.timezone}".replace(" ", "\u00a0")

    @admin.action(description="Pause", permissions=["change"])
    def pause(self, request: HttpRequest, queryset: QuerySet[ScheduleRecord]) -> None:
        queryset.update(paused=True)

    @admin.action(description="Resume", permissions=["change"])
    def resume(self, request: HttpRequest, queryset: QuerySet[ScheduleRecord]) -> None:
        queryset.update(paused=False)

    @admin.action(description="Tick now", permissions=["change"])
    def tick_now(self, request: HttpRequest, queryset: QuerySet[ScheduleRecord]) -> None:
        with connections[backend_of().configuration.database].cursor() as cursor:
            for schedule in queryset:
                cursor.execute("UPDATE tasks_schedule SET next_at = clock_timestamp() WHERE name = %s", [schedule.name])

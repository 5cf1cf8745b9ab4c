"""The queue's tables as Django knows them: for the admin and for questions. Whatever changes a task's state is SQL."""

from __future__ import annotations

from django.db import models


class Status(models.IntegerChoices):
    """How a task ended, as stored."""

    SUCCESSFUL = 1, "successful"
    FAILED = 2, "failed"
    CANCELLED = 3, "cancelled"
    DECLINED = 4, "declined"


class LiveTask(models.Model):
    """A task that waits or runs."""

    id = models.BigAutoField(primary_key=True)
    enqueued_at = models.DateTimeField()
    run_at = models.DateTimeField(null=True)
    started_at = models.DateTimeField(null=True)
    attempted_at = models.DateTimeField(null=True)
    worker_id = models.BigIntegerField(null=True)
    lease = models.IntegerField(default=0)
    progress = models.FloatField(null=True)
    attempt = models.SmallIntegerField(default=0)
    lost = models.SmallIntegerField(default=0)
    priority = models.SmallIntegerField(default=0)
    limit_max = models.SmallIntegerField(null=True)
    deferred = models.BooleanField(default=False)
    cancel_requested = models.BooleanField(default=False)
    queue = models.TextField()
    path = models.TextField()
    args = models.TextField(default="[]")
    kwargs = models.TextField(default="{}")
    past = models.TextField(null=True)  # noqa: DJ001 - hot rows carry no empty strings
    progress_note = models.TextField(null=True)  # noqa: DJ001
    unique_key = models.TextField(null=True)  # noqa: DJ001
    unique_name = models.TextField(null=True)  # noqa: DJ001
    limit_key = models.TextField(null=True)  # noqa: DJ001
    run_id = models.BigIntegerField(null=True)

    class Meta:
        db_table = "tasks_task"
        verbose_name = "live task"

    def __str__(self) -> str:
        return f"{self.id} {self.path}"


class FinishedTask(models.Model):
    """A task that ended."""

    # Unique in practice, as tasks_task's ids are; a partitioned table could only promise it together with the day.
    id = models.BigIntegerField(primary_key=True)
    enqueued_at = models.DateTimeField()
    started_at = models.DateTimeField(null=True)
    attempted_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField()
    worker_id = models.BigIntegerField(null=True)
    run_us = models.BigIntegerField(null=True)
    status = models.SmallIntegerField(choices=Status.choices)
    attempt = models.SmallIntegerField()
    priority = models.SmallIntegerField()
    limit_max = models.SmallIntegerField(null=True)
    queue = models.TextField()
    path = models.TextField()
    args = models.TextField()
    kwargs = models.TextField()
    result = models.TextField(null=True)  # noqa: DJ001
    error = models.TextField(null=True)  # noqa: DJ001
    past = models.TextField(null=True)  # noqa: DJ001
    limit_key = models.TextField(null=True)  # noqa: DJ001
    run_id = models.BigIntegerField(null=True)

    class Meta:
        db_table = "tasks_finished"
        verbose_name = "finished task"

    def __str__(self) -> str:
        return f"{self.id} {self.path}"


WORKER_STATES = ("WORKING", "DRAINING", "STOPPED", "LOST")


class WorkerRecord(models.Model):
    """A worker that lives, or did in the last two days."""

    id = models.BigAutoField(primary_key=True)
    name = models.TextField()
    queues = models.TextField()
    concurrency = models.SmallIntegerField()
    started_at = models.DateTimeField()
    beat_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)
    state = models.TextField(default="WORKING")
    succeeded = models.BigIntegerField(default=0)
    failed = models.BigIntegerField(default=0)
    retried = models.BigIntegerField(default=0)
    refused = models.BigIntegerField(default=0)

    class Meta:
        db_table = "tasks_worker"
        verbose_name = "worker"

    def __str__(self) -> str:
        return f"{self.id} {self.name}"


class Slot(models.Model):
    """A place that a running task holds under a limit."""

    id = models.BigAutoField(primary_key=True)
    name = models.TextField()
    task_id = models.BigIntegerField()

    class Meta:
        db_table = "tasks_slot"

    def __str__(self) -> str:
        return f"{self.name}: {self.task_id}"


class QueueSettings(models.Model):
    """What an operator set for a queue."""

    name = models.TextField(primary_key=True)
    paused = models.BooleanField(default=False)
    running_max = models.SmallIntegerField(null=True, blank=True)

    class Meta:
        db_table = "tasks_queue"
        verbose_name = "queue"

    def __str__(self) -> str:
        return self.name


class ScheduleRecord(models.Model):
    """A declared schedule, and when it ticks."""

    name = models.TextField(primary_key=True)
    cron = models.TextField()
    timezone = models.TextField()
    path = models.TextField()
    args = models.TextField(default="[]")
    kwargs = models.TextField(default="{}")
    paused = models.BooleanField(default=False)
    next_at = models.DateTimeField()
    last_at = models.DateTimeField(null=True)
    last_task_id = models.BigIntegerField(null=True)

    class Meta:
        db_table = "tasks_schedule"
        verbose_name = "schedule"

    def __str__(self) -> str:
        return self.name

"""Runs and checkpoints as Django knows them."""

from __future__ import annotations

from django.db import models


class RunState(models.TextChoices):
    """STOPPED: the code no longer knows a unit that the run has a checkpoint of."""

    RUNNING = "RUNNING", "running"
    SUCCEEDED = "SUCCEEDED", "succeeded"
    FAILED = "FAILED", "failed"
    STOPPED = "STOPPED", "stopped"
    CANCELLED = "CANCELLED", "cancelled"


class Run(models.Model):
    """One run of a pipeline. `subject` says what it is about, for those who look it up by that."""

    id = models.BigAutoField(primary_key=True)
    pipeline = models.TextField()
    subject = models.TextField(default="")
    input = models.TextField()
    state = models.TextField(choices=RunState.choices, default=RunState.RUNNING)
    error = models.TextField(null=True)  # noqa: DJ001 - absent unless it failed
    priority = models.SmallIntegerField(default=0)
    started_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "tasks_run"
        verbose_name = "pipeline run"

    def __str__(self) -> str:
        return f"{self.pipeline} {self.id}"


class UnitRecord(models.Model):
    """The checkpoint of one unit of one run, and of one item where the run fanned out."""

    pk = models.CompositePrimaryKey("run_id", "unit", "item")
    run_id = models.BigIntegerField()
    unit = models.TextField()
    item = models.TextField(default="")
    output = models.TextField(null=True)  # noqa: DJ001
    version = models.SmallIntegerField()
    attempt = models.SmallIntegerField()
    task_id = models.BigIntegerField()
    worker_id = models.BigIntegerField(null=True)
    started_at = models.DateTimeField()
    finished_at = models.DateTimeField()

    class Meta:
        db_table = "tasks_unit"
        verbose_name = "unit"

    def __str__(self) -> str:
        return f"{self.run_id} {self.unit} {self.item}"

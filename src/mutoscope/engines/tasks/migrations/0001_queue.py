"""The queue's tables. The database gets 0001_queue.sql; Django is told what that amounts to."""

from pathlib import Path

from django.db import migrations, models

DOWN = """
DROP TABLE tasks_schedule, tasks_queue, tasks_slot, tasks_sleeper, tasks_worker, tasks_finished, tasks_task;
"""


class Migration(migrations.Migration):
    initial = True

    dependencies = []

    operations = [
        migrations.RunSQL(Path(__file__).with_suffix(".sql").read_text(), DOWN),
        migrations.SeparateDatabaseAndState(
            state_operations=[
                migrations.CreateModel(
                    name="FinishedTask",
                    fields=[
                        ("id", models.BigIntegerField(primary_key=True, serialize=False)),
                        ("enqueued_at", models.DateTimeField()),
                        ("started_at", models.DateTimeField(null=True)),
                        ("attempted_at", models.DateTimeField(null=True)),
                        ("finished_at", models.DateTimeField()),
                        ("worker_id", models.BigIntegerField(null=True)),
                        ("run_us", models.BigIntegerField(null=True)),
                        (
                            "status",
                            models.SmallIntegerField(choices=[(1, "successful"), (2, "failed"), (3, "cancelled")]),
                        ),
                        ("attempt", models.SmallIntegerField()),
                        ("priority", models.SmallIntegerField()),
                        ("limit_max", models.SmallIntegerField(null=True)),
                        ("queue", models.TextField()),
                        ("path", models.TextField()),
                        ("args", models.TextField()),
                        ("kwargs", models.TextField()),
                        ("result", models.TextField(null=True)),
                        ("error", models.TextField(null=True)),
                        ("past", models.TextField(null=True)),
                        ("limit_key", models.TextField(null=True)),
                    ],
                    options={
                        "verbose_name": "finished task",
                        "db_table": "tasks_finished",
                    },
                ),
                migrations.CreateModel(
                    name="LiveTask",
                    fields=[
                        ("id", models.BigAutoField(primary_key=True, serialize=False)),
                        ("enqueued_at", models.DateTimeField()),
                        ("run_at", models.DateTimeField(null=True)),
                        ("started_at", models.DateTimeField(null=True)),
                        ("attempted_at", models.DateTimeField(null=True)),
                        ("worker_id", models.BigIntegerField(null=True)),
                        ("lease", models.IntegerField(default=0)),
                        ("progress", models.FloatField(null=True)),
                        ("attempt", models.SmallIntegerField(default=0)),
                        ("lost", models.SmallIntegerField(default=0)),
                        ("priority", models.SmallIntegerField(default=0)),
                        ("limit_max", models.SmallIntegerField(null=True)),
                        ("deferred", models.BooleanField(default=False)),
                        ("cancel_requested", models.BooleanField(default=False)),
                        ("queue", models.TextField()),
                        ("path", models.TextField()),
                        ("args", models.TextField(default="[]")),
                        ("kwargs", models.TextField(default="{}")),
                        ("past", models.TextField(null=True)),
                        ("progress_note", models.TextField(null=True)),
                        ("unique_key", models.TextField(null=True)),
                        ("unique_name", models.TextField(null=True)),
                        ("limit_key", models.TextField(null=True)),
                    ],
                    options={
                        "verbose_name": "live task",
                        "db_table": "tasks_task",
                    },
                ),
                migrations.CreateModel(
                    name="QueueSettings",
                    fields=[
                        ("name", models.TextField(primary_key=True, serialize=False)),
                        ("paused", models.BooleanField(default=False)),
                        ("running_max", models.SmallIntegerField(blank=True, null=True)),
                    ],
                    options={
                        "verbose_name": "queue",
                        "db_table": "tasks_queue",
                    },
                ),
                migrations.CreateModel(
                    name="ScheduleRecord",
                    fields=[
                        ("name", models.TextField(primary_key=True, serialize=False)),
                        ("cron", models.TextField()),
                        ("timezone", models.TextField()),
                        ("path", models.TextField()),
                        ("args", models.TextField(default="[]")),
                        ("kwargs", models.TextField(default="{}")),
                        ("paused", models.BooleanField(default=False)),
                        ("next_at", models.DateTimeField()),
                        ("last_at", models.DateTimeField(null=True)),
                        ("last_task_id", models.BigIntegerField(null=True)),
                    ],
                    options={
                        "verbose_name": "schedule",
                        "db_table": "tasks_schedule",
                    },
                ),
                migrations.CreateModel(
                    name="Slot",
                    fields=[
                        ("id", models.BigAutoField(primary_key=True, serialize=False)),
                        ("name", models.TextField()),
                        ("task_id", models.BigIntegerField()),
                    ],
                    options={
                        "db_table": "tasks_slot",
                    },
                ),
                migrations.CreateModel(
                    name="WorkerRecord",
                    fields=[
                        ("id", models.BigAutoField(primary_key=True, serialize=False)),
                        ("name", models.TextField()),
                        ("queues", models.TextField()),
                        ("concurrency", models.SmallIntegerField()),
                        ("started_at", models.DateTimeField()),
                        ("beat_at", models.DateTimeField()),
                        ("ended_at", models.DateTimeField(null=True)),
                        ("state", models.TextField(default="WORKING")),
                        ("succeeded", models.BigIntegerField(default=0)),
                        ("failed", models.BigIntegerField(default=0)),
                        ("retried", models.BigIntegerField(default=0)),
                        ("refused", models.BigIntegerField(default=0)),
                    ],
                    options={
                        "verbose_name": "worker",
                        "db_table": "tasks_worker",
                    },
                ),
            ]
        ),
    ]

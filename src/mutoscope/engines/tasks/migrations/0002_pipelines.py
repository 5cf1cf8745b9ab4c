"""The tables of pipeline runs. The database gets 0002_pipelines.sql; Django is told what that amounts to."""

from pathlib import Path

from django.db import migrations, models

DOWN = """
DROP TRIGGER tasks_finished_end_run ON tasks_finished;
DROP FUNCTION tasks_end_run;
ALTER TABLE tasks_finished DROP COLUMN run_id;
ALTER TABLE tasks_task DROP COLUMN run_id;
DROP TABLE tasks_unit, tasks_run;
"""


class Migration(migrations.Migration):
    dependencies = [("tasks", "0001_queue")]

    operations = [
        migrations.RunSQL(Path(__file__).with_suffix(".sql").read_text(), DOWN),
        migrations.SeparateDatabaseAndState(
            state_operations=[
                migrations.CreateModel(
                    name="Run",
                    fields=[
                        ("id", models.BigAutoField(primary_key=True, serialize=False)),
                        ("pipeline", models.TextField()),
                        ("subject", models.TextField(default="")),
                        ("input", models.TextField()),
                        (
                            "state",
                            models.TextField(
                                choices=[
                                    ("RUNNING", "running"),
                                    ("SUCCEEDED", "succeeded"),
                                    ("FAILED", "failed"),
                                    ("STOPPED", "stopped"),
                                    ("CANCELLED", "cancelled"),
                                ],
                                default="RUNNING",
                            ),
                        ),
                        ("error", models.TextField(null=True)),
                        ("priority", models.SmallIntegerField(default=0)),
                        ("started_at", models.DateTimeField()),
                        ("ended_at", models.DateTimeField(null=True)),
                    ],
                    options={
                        "verbose_name": "pipeline run",
                        "db_table": "tasks_run",
                    },
                ),
                migrations.CreateModel(
                    name="UnitRecord",
                    fields=[
                        (
                            "pk",
                            models.CompositePrimaryKey(
                                "run_id", "unit", "item", blank=True, editable=False, primary_key=True, serialize=False
                            ),
                        ),
                        ("run_id", models.BigIntegerField()),
                        ("unit", models.TextField()),
                        ("item", models.TextField(default="")),
                        ("output", models.TextField(null=True)),
                        ("version", models.SmallIntegerField()),
                        ("attempt", models.SmallIntegerField()),
                        ("task_id", models.BigIntegerField()),
                        ("worker_id", models.BigIntegerField(null=True)),
                        ("started_at", models.DateTimeField()),
                        ("finished_at", models.DateTimeField()),
                    ],
                    options={
                        "verbose_name": "unit",
                        "db_table": "tasks_unit",
                    },
                ),
                migrations.AddField(
                    model_name="finishedtask",
                    name="run_id",
                    field=models.BigIntegerField(null=True),
                ),
                migrations.AddField(
                    model_name="livetask",
                    name="run_id",
                    field=models.BigIntegerField(null=True),
                ),
            ]
        ),
    ]

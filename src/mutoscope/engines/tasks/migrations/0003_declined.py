"""A fourth way for a task to end. The database gets 0003_declined.sql; Django is told what that amounts to."""

from pathlib import Path

from django.db import migrations, models

DOWN = """
UPDATE tasks_finished SET status = 2 WHERE status = 4;
ALTER TABLE tasks_finished
    DROP CONSTRAINT tasks_finished_status,
    ADD CONSTRAINT tasks_finished_status CHECK (status IN (1, 2, 3));
"""


class Migration(migrations.Migration):
    dependencies = [("tasks", "0002_pipelines")]

    operations = [
        migrations.RunSQL(
            Path(__file__).with_suffix(".sql").read_text(),
            DOWN,
            state_operations=[
                migrations.AlterField(
                    model_name="finishedtask",
                    name="status",
                    field=models.SmallIntegerField(
                        choices=[(1, "successful"), (2, "failed"), (3, "cancelled"), (4, "declined")]
                    ),
                )
            ],
        )
    ]

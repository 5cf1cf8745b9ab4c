"""A film can be taken down by the operator: 0106_taken_down.sql."""

from __future__ import annotations

from pathlib import Path

from django.db import migrations, models
from django.db.models import Q

STATES = [
    "draft", "uploading", "processing", "ready", "published", "unlisted", "archived", "taken-down", "failed",
]  # fmt: skip
HERE = Path(__file__)


class Migration(migrations.Migration):
    dependencies = [("videos", "0105_bucket_of_keys")]
    operations = [
        migrations.AlterField(
            model_name="video",
            name="state",
            field=models.CharField(choices=[(state, state) for state in STATES], default="draft", max_length=12),
        ),
        migrations.RemoveConstraint(model_name="video", name="videos_video_state"),
        migrations.AddConstraint(
            model_name="video",
            constraint=models.CheckConstraint(condition=Q(state__in=STATES), name="videos_video_state"),
        ),
        migrations.AddConstraint(
            model_name="video",
            constraint=models.CheckConstraint(
                condition=~Q(state="taken-down") | ~Q(state_reason=""), name="videos_video_taken_down_says_why"
            ),
        ),
        migrations.RemoveConstraint(model_name="video", name="videos_video_playable_has_edition"),
        migrations.AddConstraint(
            model_name="video",
            constraint=models.CheckConstraint(
                condition=~Q(state__in=["ready", "published", "unlisted", "archived", "taken-down"])
                | Q(edition__isnull=False),
                name="videos_video_playable_has_edition",
            ),
        ),
        migrations.RunSQL(HERE.with_suffix(".sql").read_text(), HERE.with_name("0104_another_file.sql").read_text()),
    ]

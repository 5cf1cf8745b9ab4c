"""A bucket of keys for each person and film, whatever playbacks they begin; it was one for each playback."""

from __future__ import annotations

import django.db.models.deletion
import django.utils.timezone
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("videos", "0104_another_file"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]
    operations = [
        migrations.CreateModel(
            name="KeyBucket",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("keys_left", models.FloatField()),
                ("keys_at", models.DateTimeField(default=django.utils.timezone.now)),
                (
                    "person",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "video",
                    models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name="+", to="videos.video"),
                ),
            ],
            options={
                "constraints": [models.UniqueConstraint(fields=("person", "video"), name="videos_keybucket_once")],
            },
        ),
        # A key rewrites its bucket's row: room for that on the same page.
        migrations.RunSQL("ALTER TABLE videos_keybucket SET (fillfactor = 60)", migrations.RunSQL.noop),
        migrations.AddField(
            model_name="playback",
            name="bucket",
            field=models.ForeignKey(
                null=True, on_delete=django.db.models.deletion.CASCADE, related_name="+", to="videos.keybucket"
            ),
        ),
        migrations.AlterField(model_name="playback", name="keys_at", field=models.DateTimeField(blank=True, null=True)),
        # On the way back what is there has to have something in it.
        migrations.AlterField(model_name="playback", name="keys_left", field=models.FloatField(default=0)),
        migrations.RemoveField(model_name="playback", name="keys_left"),
    ]

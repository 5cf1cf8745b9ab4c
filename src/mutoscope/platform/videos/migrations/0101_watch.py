"""Tables of watching; that of beats, which is kept in months, is made by 0101_watch.sql."""

from pathlib import Path

import django.db.models.deletion
import django.utils.timezone
from django.conf import settings
from django.db import migrations, models

import mutoscope.platform.videos.tokens


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0002_roles"),
        ("videos", "0004_piece_maker"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="Beat",
            fields=[
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "playback_id", "at", "from_ms", blank=True, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("at", models.DateTimeField()),
                ("video_id", models.BigIntegerField()),
                ("playback_id", models.BigIntegerField()),
                ("from_ms", models.BigIntegerField()),
                ("to_ms", models.BigIntegerField()),
            ],
            options={
                "db_table": "videos_beat",
                "managed": False,
            },
        ),
        migrations.CreateModel(
            name="WatchingChoice",
            fields=[
                (
                    "person",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="+",
                        serialize=False,
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                ("keeps_history", models.BooleanField(default=True)),
            ],
        ),
        migrations.AddField(
            model_name="video",
            name="is_free",
            field=models.BooleanField(default=False),
        ),
        migrations.CreateModel(
            name="Playback",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "token",
                    models.CharField(
                        default=mutoscope.platform.videos.tokens.new_token, editable=False, max_length=24, unique=True
                    ),
                ),
                ("viewer", models.CharField(max_length=40)),
                ("sign_in_digest", models.CharField(blank=True, default="", max_length=64)),
                ("began_at", models.DateTimeField(default=django.utils.timezone.now)),
                ("expires_at", models.DateTimeField()),
                ("beat_at", models.DateTimeField(default=django.utils.timezone.now)),
                ("ended_at", models.DateTimeField(blank=True, null=True)),
                ("beats", models.IntegerField(default=0)),
                ("keys_left", models.FloatField()),
                ("keys_at", models.DateTimeField(default=django.utils.timezone.now)),
                ("keys_given", models.IntegerField(default=0)),
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
                "ordering": ["-id"],
                "indexes": [models.Index(fields=["viewer", "began_at"], name="videos_playback_of_viewer")],
            },
        ),
        migrations.CreateModel(
            name="Seen",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("position_ms", models.BigIntegerField()),
                ("is_finished", models.BooleanField(default=False)),
                ("began_at", models.DateTimeField(default=django.utils.timezone.now)),
                ("seen_at", models.DateTimeField(default=django.utils.timezone.now)),
                (
                    "person",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="+", to=settings.AUTH_USER_MODEL
                    ),
                ),
                (
                    "video",
                    models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name="+", to="videos.video"),
                ),
            ],
            options={
                "ordering": ["-seen_at", "-id"],
                "constraints": [
                    models.UniqueConstraint(fields=("person", "video"), name="videos_seen_once"),
                    models.CheckConstraint(condition=models.Q(("position_ms__gte", 0)), name="videos_seen_position"),
                ],
            },
        ),
        migrations.RunSQL(Path(__file__).with_suffix(".sql").read_text(), "DROP TABLE videos_beat"),
    ]

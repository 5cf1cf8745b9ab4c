"""A trailer of one's own has a beginning and an end: without one of them the comparison was NULL, which a CHECK lets pass."""

from __future__ import annotations

from django.db import migrations, models
from django.db.models import F, Q


class Migration(migrations.Migration):
    dependencies = [("videos", "0102_trailer_choice")]
    operations = [
        migrations.RemoveConstraint(model_name="video", name="videos_video_own_trailer_has_moments"),
        migrations.AddConstraint(
            model_name="video",
            constraint=models.CheckConstraint(
                condition=~Q(trailer_choice="own")
                | Q(trailer_from_ms__isnull=False, trailer_to_ms__isnull=False)
                & Q(trailer_from_ms__gte=0, trailer_to_ms__gt=F("trailer_from_ms")),
                name="videos_video_own_trailer_has_moments",
            ),
        ),
    ]

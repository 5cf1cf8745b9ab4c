"""A film's words count their changes; an upload keeps when bytes came last; a film goes together with its edition."""

import django.db.models.deletion
from django.db import migrations, models
from django.db.models.functions import Now


class Migration(migrations.Migration):
    dependencies = [("videos", "0106_taken_down")]
    operations = [
        migrations.AddField(
            model_name="video",
            name="words_version",
            field=models.IntegerField(default=1, db_default=1),
        ),
        migrations.AddField(
            model_name="upload",
            name="moved_at",
            field=models.DateTimeField(db_default=Now()),
        ),
        migrations.AlterField(
            model_name="video",
            name="edition",
            field=models.OneToOneField(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.DO_NOTHING,
                related_name="+",
                to="videos.edition",
            ),
        ),
    ]

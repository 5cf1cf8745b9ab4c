"""What guards a video's state, and keeps the history of its moves: 0002_life.sql."""

from pathlib import Path

from django.db import migrations

DOWN = """
DROP TRIGGER videos_record_move ON videos_video;
DROP TRIGGER videos_guard_life ON videos_video;
DROP FUNCTION videos_record_move();
DROP FUNCTION videos_guard_life();
"""


class Migration(migrations.Migration):
    dependencies = [("videos", "0001_initial")]
    operations = [migrations.RunSQL(Path(__file__).with_suffix(".sql").read_text(), DOWN)]

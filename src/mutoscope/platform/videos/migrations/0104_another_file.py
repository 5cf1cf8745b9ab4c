"""A film that is ready may get another file, until others could see it: 0104_another_file.sql."""

from pathlib import Path

from django.db import migrations

DOWN = Path(__file__).with_name("0002_life.sql").read_text().partition("CREATE FUNCTION videos_record_move")[0]


class Migration(migrations.Migration):
    dependencies = [("videos", "0103_trailer_has_both_moments")]
    operations = [
        migrations.RunSQL(
            Path(__file__).with_suffix(".sql").read_text(),
            DOWN.replace("CREATE FUNCTION", "CREATE OR REPLACE FUNCTION"),
        )
    ]

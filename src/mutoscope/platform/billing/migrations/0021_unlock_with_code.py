"""The one statement that buys, now with a code: 0021_unlock_with_code.sql. It posts through the ledger's own function."""

from pathlib import Path

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("billing", "0020_coupons"), ("ledger", "0001_initial")]
    operations = [
        migrations.RunSQL(Path(__file__).with_suffix(".sql").read_text(), migrations.RunSQL.noop),
    ]

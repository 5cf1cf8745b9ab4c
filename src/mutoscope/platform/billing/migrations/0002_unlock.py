"""The one statement that buys: 0002_unlock.sql. It posts through the ledger's own function."""

from pathlib import Path

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("billing", "0001_initial"), ("ledger", "0001_initial")]
    operations = [
        migrations.RunSQL(Path(__file__).with_suffix(".sql").read_text(), "DROP FUNCTION billing_unlock;"),
    ]

"""A click that comes a moment after a bundle with the same film is not answered with the bundle's receipt."""

from pathlib import Path

from django.db import migrations

BEFORE = Path(__file__).with_name("0034_receipts_that_agree.sql")


class Migration(migrations.Migration):
    dependencies = [("billing", "0036_receipts_guarded_at_less")]
    operations = [migrations.RunSQL(Path(__file__).with_suffix(".sql").read_text(), BEFORE.read_text())]

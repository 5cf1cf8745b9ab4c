"""An unlock goes through the ledger's door for payments, and names its accounts instead of arrays of legs."""

from pathlib import Path

from django.db import migrations

BEFORE = Path(__file__).with_name("0037_a_bundle_is_another_click.sql")
# Both take the same up to the key of the ledger, and the same from the metadata on.
DROP = """DROP FUNCTION billing_unlock(bigint, bigint, bigint, bigint, integer, text, integer, integer, integer, integer, boolean,
    timestamptz, timestamptz, timestamptz, text, text, {}, jsonb, bigint, integer);"""
LEGS, ACCOUNTS = "bigint[], bigint[]", "bigint, bigint, bigint"


class Migration(migrations.Migration):
    dependencies = [("billing", "0037_a_bundle_is_another_click"), ("ledger", "0006_a_payment_is_written_once")]
    operations = [
        migrations.RunSQL(
            DROP.format(LEGS) + Path(__file__).with_suffix(".sql").read_text(),
            DROP.format(ACCOUNTS) + BEFORE.read_text(),
        )
    ]

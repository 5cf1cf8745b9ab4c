"""The rules of a receipt, kept by a trigger: four CHECKs were read from their text at each click."""

from pathlib import Path

from django.db import migrations

DOWN = "DROP TRIGGER billing_purchase_checked ON billing_purchase; DROP FUNCTION billing_check_purchase();"


class Migration(migrations.Migration):
    dependencies = [("billing", "0035_receipts_and_references")]
    operations = [
        migrations.RunSQL(Path(__file__).with_suffix(".sql").read_text(), DOWN),
        migrations.RemoveConstraint("purchase", "billing_purchase_term"),
        migrations.RemoveConstraint("purchase", "billing_purchase_parts_add_up"),
        migrations.RemoveConstraint("purchase", "billing_purchase_paid_or_given"),
        migrations.RemoveConstraint("purchase", "billing_purchase_period"),
    ]

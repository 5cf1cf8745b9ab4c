"""What a review found: an upgrade that a code paid for could not be taken back, nor what was credited to it."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("billing", "0034_receipts_that_agree")]
    operations = [
        migrations.AlterField("refund", "transfer_id", models.BigIntegerField(blank=True, null=True)),
    ]

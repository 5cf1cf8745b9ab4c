"""What a review found: an upgrade that a code paid for could not be taken back, nor what was credited to it; and a receipt for a term that there is not
was refused by its end only where it was for ever.
"""

from django.db import migrations, models
from django.db.models import Q


class Migration(migrations.Migration):
    dependencies = [("billing", "0034_receipts_that_agree")]
    operations = [
        migrations.AlterField("refund", "transfer_id", models.BigIntegerField(blank=True, null=True)),
        migrations.AddConstraint(
            "purchase",
            models.CheckConstraint(condition=Q(term__in=["day", "month", "lifetime"]), name="billing_purchase_term"),
        ),
    ]

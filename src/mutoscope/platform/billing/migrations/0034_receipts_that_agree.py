"""What a review found: CHECKs that let NULL pass, an index that kept every renewal from being written beside the old row, two that were
missing, and a request whose key was answered with another's receipt, which the key then did not find.
"""

from pathlib import Path

import django.db.models.deletion
from django.db import migrations, models
from django.db.models import F, Q


class Migration(migrations.Migration):
    dependencies = [("accounts", "0002_roles"), ("billing", "0033_unlock_through_the_door")]
    operations = [
        migrations.RemoveConstraint(model_name="coupon", name="billing_coupon_takes_something_off"),
        migrations.RemoveConstraint(model_name="payout", name="billing_payout_ordered_in_full"),
        migrations.RemoveConstraint(model_name="tip", name="billing_tip_parts_add_up"),
        migrations.RemoveIndex(model_name="entitlement", name="billing_entitlement_of"),
        migrations.AlterField(
            model_name="tip",
            name="channel",
            field=models.ForeignKey(
                db_constraint=False,
                db_index=False,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="accounts.channel",
            ),
        ),
        migrations.AddIndex(
            model_name="purchase",
            index=models.Index(
                condition=Q(refunded_at__isnull=False),
                fields=["channel", "refunded_at"],
                name="billing_purchase_refunded",
            ),
        ),
        migrations.AddIndex(
            model_name="tip", index=models.Index(fields=["channel", "given_at"], name="billing_tip_by_day")
        ),
        migrations.AddConstraint(
            model_name="coupon",
            constraint=models.CheckConstraint(
                condition=Q(percent__isnull=False, percent__gte=1, percent__lte=100, points_off__isnull=True)
                | Q(points_off__isnull=False, points_off__gte=1, points_off__lte=1_000_000, percent__isnull=True),
                name="billing_coupon_takes_something_off",
            ),
        ),
        migrations.AddConstraint(
            model_name="payout",
            constraint=models.CheckConstraint(
                condition=Q(progress="", amount__isnull=True)
                | Q(~Q(progress=""), amount__isnull=False, amount__gte=1, address__isnull=False),
                name="billing_payout_ordered_in_full",
            ),
        ),
        migrations.AddConstraint(
            model_name="tip",
            constraint=models.CheckConstraint(
                condition=Q(points=F("fee_points") + F("creator_points"))
                & Q(points__gte=1, points__lte=1_000_000, fee_points__gte=0, creator_points__gte=0),
                name="billing_tip_parts_add_up",
            ),
        ),
        migrations.RunSQL(Path(__file__).with_suffix(".sql").read_text(), migrations.RunSQL.noop),
    ]

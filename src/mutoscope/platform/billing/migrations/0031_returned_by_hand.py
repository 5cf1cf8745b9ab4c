"""A refund that the signer cannot send, and somebody of the staff did."""

from __future__ import annotations

from django.db import migrations, models
from django.db.models import Q


class Migration(migrations.Migration):
    dependencies = [("billing", "0030_refunds_and_codes")]

    operations = [
        migrations.AlterField(
            "topuprefund",
            "progress",
            models.CharField(
                blank=True,
                choices=[
                    ("", "not asked for"),
                    ("ordered", "ordered"),
                    ("signed", "signed"),
                    ("sent", "sent"),
                    ("confirmed", "confirmed"),
                    ("by_hand", "sent by hand"),
                ],
                default="",
                max_length=9,
            ),
        ),
        migrations.AddConstraint(
            "topuprefund",
            models.UniqueConstraint(
                condition=Q(progress="by_hand"), fields=("signature",), name="billing_top_up_refund_by_hand_once"
            ),
        ),
        migrations.AddConstraint(
            "topuprefund",
            models.CheckConstraint(
                condition=~Q(progress="by_hand") | Q(state="paid"), name="billing_top_up_refund_by_hand_is_paid"
            ),
        ),
    ]

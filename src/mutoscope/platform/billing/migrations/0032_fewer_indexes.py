"""A click writes six indexes less: those that a longer one begins with, and those of columns that are nearly always empty."""

from __future__ import annotations

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0002_roles"),
        ("billing", "0031_returned_by_hand"),
        ("videos", "0102_trailer_choice"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AlterField(
            model_name="entitlement",
            name="viewer",
            field=models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AlterField(
            model_name="purchase",
            name="bundle_purchase",
            field=models.ForeignKey(
                blank=True,
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="films",
                to="billing.bundlepurchase",
            ),
        ),
        migrations.AlterField(
            model_name="purchase",
            name="channel",
            field=models.ForeignKey(
                db_constraint=False,
                db_index=False,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="accounts.channel",
            ),
        ),
        migrations.AlterField(
            model_name="purchase",
            name="credited_to",
            field=models.ForeignKey(
                blank=True,
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="billing.purchase",
            ),
        ),
        migrations.AlterField(
            model_name="purchase",
            name="offer",
            field=models.ForeignKey(
                db_constraint=False,
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="billing.offer",
            ),
        ),
        migrations.AlterField(
            model_name="purchase",
            name="viewer",
            field=models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AddIndex(
            model_name="purchase",
            index=models.Index(
                condition=models.Q(("bundle_purchase__isnull", False)),
                fields=["bundle_purchase"],
                name="billing_purchase_of_bundle",
            ),
        ),
        migrations.AddIndex(
            model_name="purchase",
            index=models.Index(
                condition=models.Q(("credited_to__isnull", False)),
                fields=["credited_to"],
                name="billing_purchase_credited",
            ),
        ),
    ]

"""A click posts through the ledger's own view; its receipt is checked in fewer words, which PostgreSQL reads anew at each INSERT; and the
entitlement, which there is not without a receipt, leaves it to that to lock the viewer's row.

Also closes a gap: a day or a month without an end passed, since "after nothing" is NULL and a CHECK lets NULL pass.
"""

from pathlib import Path

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models
from django.db.models import F, Q, Value
from django.db.models.functions import Least
from django.db.models.lookups import Exact, GreaterThanOrEqual, IsNull


class Migration(migrations.Migration):
    dependencies = [
        ("billing", "0032_fewer_indexes"),
        ("ledger", "0001_initial"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]
    operations = [
        migrations.AlterField(
            model_name="entitlement",
            name="viewer",
            field=models.ForeignKey(
                db_constraint=False,
                db_index=False,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.RemoveConstraint(model_name="purchase", name="billing_purchase_parts_add_up"),
        migrations.RemoveConstraint(model_name="purchase", name="billing_purchase_period"),
        migrations.AddConstraint(
            model_name="purchase",
            constraint=models.CheckConstraint(
                condition=Q(
                    price_points=F("credit_points") + F("discount_points") + F("fee_points") + F("creator_points")
                )
                & Q(GreaterThanOrEqual(Least("credit_points", "discount_points", "fee_points", "creator_points"), 0)),
                name="billing_purchase_parts_add_up",
            ),
        ),
        migrations.AddConstraint(
            model_name="purchase",
            constraint=models.CheckConstraint(
                condition=Exact(Exact(F("term"), Value("lifetime")), IsNull(F("expires_at"), True))
                & Q(expires_at__gt=F("starts_at")),
                name="billing_purchase_period",
            ),
        ),
        migrations.RunSQL(Path(__file__).with_suffix(".sql").read_text(), migrations.RunSQL.noop),
    ]

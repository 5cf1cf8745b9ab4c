"""The statements of months, and what keeps them as they were issued: 0012_monthly_statements.sql."""

from pathlib import Path

import django.db.models.deletion
import django.db.models.expressions
import django.db.models.functions.datetime
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0002_roles"),
        ("billing", "0011_holdings"),
    ]

    operations = [
        migrations.CreateModel(
            name="MonthlyStatement",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("year", models.SmallIntegerField()),
                ("month", models.SmallIntegerField()),
                ("number", models.IntegerField()),
                ("reason", models.CharField(blank=True, default="", max_length=500)),
                ("issued_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ("opening_points", models.BigIntegerField()),
                ("sale_points", models.BigIntegerField()),
                ("sales", models.IntegerField()),
                ("tip_points", models.BigIntegerField()),
                ("tips", models.IntegerField()),
                ("refund_points", models.BigIntegerField()),
                ("refunds", models.IntegerField()),
                ("fee_points", models.BigIntegerField()),
                ("payout_points", models.BigIntegerField()),
                ("payouts", models.IntegerField()),
                ("other_points", models.BigIntegerField(default=0)),
                ("closing_points", models.BigIntegerField()),
                (
                    "channel",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="accounts.channel"
                    ),
                ),
                (
                    "corrects",
                    models.OneToOneField(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="corrected_by",
                        to="billing.monthlystatement",
                    ),
                ),
            ],
            options={
                "ordering": ["-year", "-month", "-number"],
                "constraints": [
                    models.UniqueConstraint(fields=("year", "number"), name="billing_monthly_statement_number_once"),
                    models.UniqueConstraint(
                        condition=models.Q(("corrects__isnull", True)),
                        fields=("channel", "year", "month"),
                        name="billing_monthly_statement_once",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("month__gte", 1), ("month__lte", 12), ("number__gte", 1), ("year__gte", 2000)
                        ),
                        name="billing_monthly_statement_month",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            (
                                "closing_points",
                                django.db.models.expressions.CombinedExpression(
                                    django.db.models.expressions.CombinedExpression(
                                        django.db.models.expressions.CombinedExpression(
                                            django.db.models.expressions.CombinedExpression(
                                                django.db.models.expressions.CombinedExpression(
                                                    django.db.models.expressions.CombinedExpression(
                                                        models.F("opening_points"), "+", models.F("sale_points")
                                                    ),
                                                    "+",
                                                    models.F("tip_points"),
                                                ),
                                                "-",
                                                models.F("refund_points"),
                                            ),
                                            "-",
                                            models.F("fee_points"),
                                        ),
                                        "-",
                                        models.F("payout_points"),
                                    ),
                                    "+",
                                    models.F("other_points"),
                                ),
                            )
                        ),
                        name="billing_monthly_statement_adds_up",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("corrects__isnull", True), ("reason", "")),
                            models.Q(("corrects__isnull", False), models.Q(("reason", ""), _negated=True)),
                            _connector="OR",
                        ),
                        name="billing_monthly_statement_corrects_with_a_reason",
                    ),
                ],
            },
        ),
        migrations.RunSQL(
            Path(__file__).with_suffix(".sql").read_text(), "DROP FUNCTION billing_monthly_statement_stays CASCADE;"
        ),
    ]

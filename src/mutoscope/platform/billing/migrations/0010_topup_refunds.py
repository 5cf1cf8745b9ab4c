import django.db.models.deletion
import django.db.models.functions.datetime
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("billing", "0004_payouts_on_chain"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="RefundAddress",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("address", models.CharField(max_length=44)),
                ("nonce", models.CharField(max_length=22, unique=True)),
                ("message", models.TextField()),
                ("asked_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ("expires_at", models.DateTimeField()),
                ("signature", models.CharField(blank=True, default="", max_length=88)),
                ("proven_at", models.DateTimeField(blank=True, null=True)),
                (
                    "top_up",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="billing.topup"
                    ),
                ),
            ],
            options={
                "ordering": ["-id"],
            },
        ),
        migrations.CreateModel(
            name="TopUpRefund",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("receipt", models.CharField(max_length=88)),
                ("receiver", models.CharField(max_length=44)),
                ("mint", models.CharField(blank=True, max_length=44)),
                ("symbol", models.CharField(max_length=20)),
                ("decimals", models.SmallIntegerField()),
                ("amount", models.BigIntegerField()),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("requested", "waits for approval"),
                            ("approved", "approved"),
                            ("paid", "sent back"),
                            ("refused", "refused"),
                            ("cancelled", "cancelled"),
                            ("failed", "failed"),
                            ("voided", "voided"),
                        ],
                        default="requested",
                        max_length=9,
                    ),
                ),
                (
                    "progress",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("", "not asked for"),
                            ("ordered", "ordered"),
                            ("signed", "signed"),
                            ("sent", "sent"),
                            ("confirmed", "confirmed"),
                        ],
                        default="",
                        max_length=9,
                    ),
                ),
                ("signature", models.CharField(blank=True, default="", max_length=88)),
                ("request_key", models.CharField(max_length=100)),
                ("asked_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ("decided_at", models.DateTimeField(blank=True, null=True)),
                ("reason", models.CharField(blank=True, default="", max_length=500)),
                ("trouble", models.CharField(blank=True, default="", max_length=500)),
                ("ended_at", models.DateTimeField(blank=True, null=True)),
                (
                    "address",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="billing.refundaddress",
                    ),
                ),
                (
                    "decided_by",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "top_up",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="billing.topup"
                    ),
                ),
            ],
            options={
                "ordering": ["-id"],
            },
        ),
        migrations.AddConstraint(
            model_name="refundaddress",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("proven_at__isnull", True), ("signature", "")),
                    models.Q(("proven_at__isnull", False), models.Q(("signature", ""), _negated=True)),
                    _connector="OR",
                ),
                name="billing_refund_address_proven_by_a_signature",
            ),
        ),
        migrations.AddConstraint(
            model_name="topuprefund",
            constraint=models.UniqueConstraint(
                condition=models.Q(("state__in", ["requested", "approved"])),
                fields=("top_up", "receipt", "mint"),
                name="billing_top_up_refund_one_open",
            ),
        ),
        migrations.AddConstraint(
            model_name="topuprefund",
            constraint=models.UniqueConstraint(
                fields=("top_up", "request_key", "receipt", "mint"), name="billing_top_up_refund_request_once"
            ),
        ),
        migrations.AddConstraint(
            model_name="topuprefund",
            constraint=models.CheckConstraint(
                condition=models.Q(("amount__gte", 1)), name="billing_top_up_refund_amount"
            ),
        ),
        migrations.AddConstraint(
            model_name="topuprefund",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("decided_by__isnull", True), ("progress", ""), ("state__in", ["requested", "cancelled"])),
                    models.Q(
                        ("decided_by__isnull", False),
                        ("progress", ""),
                        ("state", "refused"),
                        models.Q(("reason", ""), _negated=True),
                    ),
                    models.Q(
                        ("decided_by__isnull", False),
                        ("state__in", ["approved", "paid", "failed", "voided"]),
                        models.Q(("reason", ""), _negated=True),
                        models.Q(("progress", ""), _negated=True),
                    ),
                    _connector="OR",
                ),
                name="billing_top_up_refund_decided_with_a_reason",
            ),
        ),
        migrations.AddConstraint(
            model_name="topuprefund",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("ended_at__isnull", True), ("state__in", ["requested", "approved"])),
                    models.Q(
                        ("ended_at__isnull", False), ("state__in", ["paid", "refused", "cancelled", "failed", "voided"])
                    ),
                    _connector="OR",
                ),
                name="billing_top_up_refund_ended_at",
            ),
        ),
        migrations.AddConstraint(
            model_name="topuprefund",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("state", "paid"), _negated=True),
                    models.Q(("signature", ""), _negated=True),
                    _connector="OR",
                ),
                name="billing_top_up_refund_paid_by_a_transaction",
            ),
        ),
    ]

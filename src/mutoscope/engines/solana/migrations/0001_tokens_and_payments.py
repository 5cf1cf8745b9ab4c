"""The two models that a project may replace, and what needs neither: its own models may come between this and what refers to them."""

from typing import Any, ClassVar

import django.contrib.postgres.fields
import django.db.models.deletion
import django.db.models.functions.datetime
from django.conf import settings
from django.db import migrations, models

import mutoscope.engines.sequences.public
import mutoscope.engines.solana.payments.fields


class Migration(migrations.Migration):
    initial = True
    dependencies: ClassVar[list[Any]] = [
        migrations.swappable_dependency(settings.MUTOSCOPE_SOLANA_TOKEN_MODEL),
    ]

    operations: ClassVar[list[Any]] = [
        migrations.CreateModel(
            name="Lease",
            fields=[
                ("name", models.CharField(max_length=50, primary_key=True, serialize=False)),
                ("holder", models.CharField(max_length=100)),
                ("until", models.DateTimeField()),
            ],
            options={
                "db_table": "mutoscope_solana_lease",
            },
        ),
        migrations.CreateModel(
            name="RpcAllowance",
            fields=[
                ("node", models.CharField(max_length=32, primary_key=True, serialize=False)),
                ("permits", models.FloatField()),
                ("filled_at", models.DateTimeField()),
            ],
            options={
                "db_table": "mutoscope_solana_rpcallowance",
            },
        ),
        migrations.CreateModel(
            name="WebhookEndpoint",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("url", models.URLField(max_length=500)),
                (
                    "names",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=20),
                        blank=True,
                        default=list,
                        help_text="Only these events; empty for all.",
                        size=None,
                    ),
                ),
                (
                    "salt",
                    models.CharField(
                        default=mutoscope.engines.sequences.public.random_id, editable=False, max_length=22
                    ),
                ),
                ("is_active", models.BooleanField(default=True)),
                (
                    "created_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False),
                ),
            ],
        ),
        migrations.CreateModel(
            name="Token",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("symbol", models.CharField(max_length=20)),
                ("name", models.CharField(blank=True, max_length=100)),
                (
                    "mint",
                    mutoscope.engines.solana.payments.fields.AddressField(
                        blank=True, help_text="Empty for SOL.", max_length=44, unique=True
                    ),
                ),
                (
                    "program",
                    mutoscope.engines.solana.payments.fields.AddressField(
                        blank=True, help_text="The token program that owns the mint. Empty for SOL.", max_length=44
                    ),
                ),
                ("decimals", models.PositiveSmallIntegerField()),
                (
                    "extensions",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=60),
                        blank=True,
                        default=list,
                        help_text="Token-2022 extensions this mint may have.",
                        size=None,
                    ),
                ),
                (
                    "dust_below",
                    mutoscope.engines.solana.payments.fields.BaseUnitsField(
                        decimal_places=0,
                        default=0,
                        help_text="Smaller receipts are recorded, but nobody hurries for them.",
                        max_digits=20,
                    ),
                ),
                (
                    "second_opinion_from",
                    mutoscope.engines.solana.payments.fields.BaseUnitsField(
                        blank=True,
                        decimal_places=0,
                        help_text="From this amount on, two nodes have to agree before a receipt counts.",
                        max_digits=20,
                        null=True,
                    ),
                ),
                ("is_active", models.BooleanField(default=True, help_text="May new payments be asked for in it?")),
            ],
            options={
                "abstract": False,
                "swappable": "MUTOSCOPE_SOLANA_TOKEN_MODEL",
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("decimals", 9), ("mint", ""), ("program", "")),
                            models.Q(
                                models.Q(("mint", ""), _negated=True),
                                (
                                    "program__in",
                                    (
                                        "TokenkegQfeZyiNwAJbNbGKPFXCWuBvf9Ss623VQ5DA",
                                        "TokenzQdBNbLqP5VEhdkAS6EPFLC1PHnBqCXEpPxuEb",
                                    ),
                                ),
                            ),
                            _connector="OR",
                        ),
                        name="mutoscope_solana_token_mint_has_program",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("decimals__lte", 19)), name="mutoscope_solana_token_decimals_in_range"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("dust_below__gte", 0),
                            models.Q(
                                ("second_opinion_from__isnull", True), ("second_opinion_from__gte", 1), _connector="OR"
                            ),
                        ),
                        name="mutoscope_solana_token_thresholds_positive",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Payment",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                (
                    "public_id",
                    models.CharField(
                        default=mutoscope.engines.sequences.public.random_id, editable=False, max_length=22, unique=True
                    ),
                ),
                (
                    "purpose",
                    models.CharField(
                        blank=True, help_text='What is paid for, in the project\'s words: "order:17".', max_length=200
                    ),
                ),
                (
                    "owner_ref",
                    models.CharField(blank=True, help_text="Who may see it, in the project's words.", max_length=200),
                ),
                ("idempotency_key", models.CharField(blank=True, max_length=200, null=True, unique=True)),
                ("metadata", models.JSONField(blank=True, default=dict)),
                (
                    "receives_by",
                    models.CharField(
                        choices=[("reference", "reference to the merchant's account"), ("wallet", "one-time wallet")],
                        max_length=9,
                    ),
                ),
                (
                    "recipient",
                    mutoscope.engines.solana.payments.fields.AddressField(
                        help_text="The wallet to pay to.", max_length=44
                    ),
                ),
                (
                    "reference",
                    mutoscope.engines.solana.payments.fields.AddressField(
                        blank=True, max_length=44, null=True, unique=True
                    ),
                ),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("waiting", "waiting"),
                            ("seen", "seen"),
                            ("confirmed", "confirmed"),
                            ("settled", "settled"),
                            ("expired", "expired"),
                        ],
                        default="waiting",
                        max_length=9,
                    ),
                ),
                (
                    "money",
                    models.CharField(
                        choices=[
                            ("nothing", "nothing"),
                            ("exact", "exact"),
                            ("partial", "partial"),
                            ("over", "over"),
                            ("late", "late"),
                            ("double", "double"),
                            ("foreign", "foreign"),
                        ],
                        default="nothing",
                        max_length=7,
                    ),
                ),
                (
                    "accepts_late",
                    models.BooleanField(default=False, help_text="Somebody decided that late money counts."),
                ),
                ("signature", mutoscope.engines.solana.payments.fields.AddressField(blank=True, max_length=88)),
                (
                    "created_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False),
                ),
                ("expires_at", models.DateTimeField()),
                ("seen_at", models.DateTimeField(blank=True, null=True)),
                ("confirmed_at", models.DateTimeField(blank=True, null=True)),
                ("settled_at", models.DateTimeField(blank=True, null=True)),
                ("expired_at", models.DateTimeField(blank=True, null=True)),
                ("swept_at", models.DateTimeField(blank=True, null=True)),
                (
                    "changed_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False),
                ),
                (
                    "paid_in",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.MUTOSCOPE_SOLANA_TOKEN_MODEL,
                    ),
                ),
            ],
            options={
                "abstract": False,
                "swappable": "MUTOSCOPE_SOLANA_PAYMENT_MODEL",
            },
        ),
        migrations.AddIndex(
            model_name="payment",
            index=models.Index(
                condition=models.Q(("status__in", ["waiting", "seen", "confirmed"])),
                fields=["expires_at"],
                name="mutoscope__payment_open",
            ),
        ),
        migrations.AddIndex(
            model_name="payment",
            index=models.Index(fields=["owner_ref", "-id"], name="mutoscope__payment_owner"),
        ),
        migrations.AddConstraint(
            model_name="payment",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("money__in", ["nothing", "partial", "foreign", "late"]), ("status", "waiting")),
                    models.Q(("money__in", ["nothing", "partial", "foreign", "late"]), ("status", "seen")),
                    models.Q(("money__in", ["nothing", "partial", "foreign", "late"]), ("status", "confirmed")),
                    models.Q(("money__in", ["exact", "over", "double", "foreign"]), ("status", "settled")),
                    models.Q(("money__in", ["nothing", "partial", "late", "foreign"]), ("status", "expired")),
                    _connector="OR",
                ),
                name="mutoscope_solana_payment_standing_is_possible",
            ),
        ),
        migrations.AddConstraint(
            model_name="payment",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("receives_by", "reference"), ("reference__isnull", False)),
                    models.Q(("receives_by", "wallet"), ("reference__isnull", True)),
                    _connector="OR",
                ),
                name="mutoscope_solana_payment_reference_if_by_reference",
            ),
        ),
        migrations.AddConstraint(
            model_name="payment",
            constraint=models.UniqueConstraint(
                condition=models.Q(("receives_by", "wallet")),
                fields=("recipient",),
                name="mutoscope_solana_payment_wallet_used_once",
            ),
        ),
        migrations.AddConstraint(
            model_name="payment",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("paid_in__isnull", False), ("settled_at__isnull", False), ("status", "settled")),
                    models.Q(
                        models.Q(("status", "settled"), _negated=True),
                        ("paid_in__isnull", True),
                        ("settled_at__isnull", True),
                    ),
                    _connector="OR",
                ),
                name="mutoscope_solana_payment_settled_in_a_token",
            ),
        ),
        migrations.AddConstraint(
            model_name="payment",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("status", "expired"), _negated=True), ("expired_at__isnull", False), _connector="OR"
                ),
                name="mutoscope_solana_payment_expired_at_a_moment",
            ),
        ),
        migrations.AddConstraint(
            model_name="payment",
            constraint=models.CheckConstraint(
                condition=models.Q(("expires_at__gt", models.F("created_at"))),
                name="mutoscope_solana_payment_expires_after_creation",
            ),
        ),
    ]

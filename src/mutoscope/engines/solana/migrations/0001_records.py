"""What refers to payments and tokens, whoever brought them."""

from typing import Any, ClassVar

import django.contrib.postgres.fields
import django.db.models.deletion
import django.db.models.functions.datetime
from django.conf import settings
from django.db import migrations, models

import mutoscope.engines.sequences.public
import mutoscope.engines.solana.payments.fields


class Migration(migrations.Migration):
    dependencies: ClassVar[list[Any]] = [
        ("mutoscope_solana", "0001_tokens_and_payments"),
        migrations.swappable_dependency(settings.MUTOSCOPE_SOLANA_PAYMENT_MODEL),
        migrations.swappable_dependency(settings.MUTOSCOPE_SOLANA_TOKEN_MODEL),
    ]

    operations: ClassVar[list[Any]] = [
        migrations.CreateModel(
            name="Event",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("key", models.CharField(max_length=200, unique=True)),
                (
                    "name",
                    models.CharField(
                        choices=[
                            ("initiated", "Initiated"),
                            ("seen", "Seen"),
                            ("confirmed", "Confirmed"),
                            ("settled", "Settled"),
                            ("partial", "Partial"),
                            ("excess", "Excess"),
                            ("foreign", "Foreign"),
                            ("late", "Late"),
                            ("expired", "Expired"),
                            ("swept", "Swept"),
                            ("unmatched", "Unmatched"),
                        ],
                        max_length=20,
                    ),
                ),
                ("payload", models.JSONField(default=dict)),
                (
                    "created_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False),
                ),
                ("due_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), null=True)),
                ("told_at", models.DateTimeField(blank=True, null=True)),
                ("attempts", models.PositiveSmallIntegerField(default=0)),
                ("last_error", models.TextField(blank=True)),
                (
                    "payment",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="events",
                        to=settings.MUTOSCOPE_SOLANA_PAYMENT_MODEL,
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="Price",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("amount", mutoscope.engines.solana.payments.fields.BaseUnitsField(decimal_places=0, max_digits=20)),
                (
                    "payment",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="prices",
                        to=settings.MUTOSCOPE_SOLANA_PAYMENT_MODEL,
                    ),
                ),
                (
                    "token",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.MUTOSCOPE_SOLANA_TOKEN_MODEL,
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="Transfer",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("signature", mutoscope.engines.solana.payments.fields.AddressField(max_length=88)),
                ("account", mutoscope.engines.solana.payments.fields.AddressField(max_length=44)),
                (
                    "owner",
                    mutoscope.engines.solana.payments.fields.AddressField(
                        help_text="The wallet the account belongs to.", max_length=44
                    ),
                ),
                ("mint", mutoscope.engines.solana.payments.fields.AddressField(blank=True, max_length=44)),
                ("program", mutoscope.engines.solana.payments.fields.AddressField(blank=True, max_length=44)),
                (
                    "amount",
                    mutoscope.engines.solana.payments.fields.BaseUnitsField(
                        decimal_places=0,
                        help_text="Base units; negative for what left. Without the fee.",
                        max_digits=20,
                    ),
                ),
                (
                    "fee",
                    mutoscope.engines.solana.payments.fields.BaseUnitsField(
                        decimal_places=0,
                        default=0,
                        help_text="Lamports this account paid for the transaction.",
                        max_digits=20,
                    ),
                ),
                ("slot", models.BigIntegerField()),
                ("block_time", models.DateTimeField()),
                (
                    "recorded_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False),
                ),
                (
                    "payment",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="transfers",
                        to=settings.MUTOSCOPE_SOLANA_PAYMENT_MODEL,
                    ),
                ),
                (
                    "token",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.MUTOSCOPE_SOLANA_TOKEN_MODEL,
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="UnmatchedReceipt",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "reason",
                    models.CharField(
                        choices=[
                            ("no_reference", "no payment's reference in the transaction"),
                            ("several_references", "references of several payments in one transaction"),
                            ("unknown_token", "a token, or an account for it, that is not configured"),
                            ("unexplained", "a balance on chain that no known transaction explains"),
                        ],
                        max_length=20,
                    ),
                ),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("open", "open"),
                            ("allocated", "given to a payment"),
                            ("closed", "closed with a note"),
                        ],
                        default="open",
                        max_length=9,
                    ),
                ),
                ("note", models.TextField(blank=True)),
                (
                    "opened_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False),
                ),
                ("ended_at", models.DateTimeField(blank=True, null=True)),
                (
                    "transfer",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="unmatched",
                        to="mutoscope_solana.transfer",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="WatchedAccount",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("address", mutoscope.engines.solana.payments.fields.AddressField(max_length=44, unique=True)),
                ("owner", mutoscope.engines.solana.payments.fields.AddressField(max_length=44)),
                (
                    "kind",
                    models.CharField(
                        choices=[("one_time", "one-time wallet"), ("receiving", "the merchant's own")], max_length=9
                    ),
                ),
                (
                    "opening",
                    mutoscope.engines.solana.payments.fields.BaseUnitsField(
                        blank=True, decimal_places=0, max_digits=20, null=True
                    ),
                ),
                (
                    "recorded",
                    mutoscope.engines.solana.payments.fields.BaseUnitsField(decimal_places=0, default=0, max_digits=30),
                ),
                (
                    "observed",
                    mutoscope.engines.solana.payments.fields.BaseUnitsField(decimal_places=0, default=0, max_digits=20),
                ),
                ("until_signature", mutoscope.engines.solana.payments.fields.AddressField(blank=True, max_length=88)),
                ("until_slot", models.BigIntegerField(default=0)),
                ("head_signature", mutoscope.engines.solana.payments.fields.AddressField(blank=True, max_length=88)),
                ("head_slot", models.BigIntegerField(default=0)),
                ("before_signature", mutoscope.engines.solana.payments.fields.AddressField(blank=True, max_length=88)),
                ("since", models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False)),
                ("complete_at", models.DateTimeField(blank=True, null=True)),
                ("next_look_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), null=True)),
                ("ended_at", models.DateTimeField(blank=True, null=True)),
                ("audited_at", models.DateTimeField(blank=True, null=True)),
                (
                    "payment",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="accounts",
                        to=settings.MUTOSCOPE_SOLANA_PAYMENT_MODEL,
                    ),
                ),
                (
                    "token",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.MUTOSCOPE_SOLANA_TOKEN_MODEL,
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="WebhookDelivery",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("due_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), null=True)),
                ("leased_until", models.DateTimeField(blank=True, null=True)),
                ("delivered_at", models.DateTimeField(blank=True, null=True)),
                ("attempts", models.PositiveSmallIntegerField(default=0)),
                ("last_status", models.PositiveSmallIntegerField(blank=True, null=True)),
                ("last_error", models.TextField(blank=True)),
                (
                    "event",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="deliveries",
                        to="mutoscope_solana.event",
                    ),
                ),
                (
                    "endpoint",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="deliveries",
                        to="mutoscope_solana.webhookendpoint",
                    ),
                ),
            ],
        ),
        migrations.AddIndex(
            model_name="event",
            index=models.Index(
                condition=models.Q(("due_at__isnull", False)), fields=["due_at", "id"], name="mutoscope_event_due"
            ),
        ),
        migrations.AddConstraint(
            model_name="price",
            constraint=models.UniqueConstraint(fields=("payment", "token"), name="mutoscope_solana_price_once_a_token"),
        ),
        migrations.AddConstraint(
            model_name="price",
            constraint=models.CheckConstraint(
                condition=models.Q(("amount__gte", 1), ("amount__lte", 18446744073709551615)),
                name="mutoscope_solana_price_is_payable",
            ),
        ),
        migrations.AddIndex(
            model_name="transfer",
            index=models.Index(fields=["account", "slot"], name="mutoscope_transfer_account"),
        ),
        migrations.AddConstraint(
            model_name="transfer",
            constraint=models.UniqueConstraint(
                fields=("signature", "account"), name="mutoscope_solana_transfer_recorded_once"
            ),
        ),
        migrations.AddConstraint(
            model_name="transfer",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("amount__gte", -18446744073709551615),
                    ("amount__lte", 18446744073709551615),
                    ("fee__gte", 0),
                    ("fee__lte", 18446744073709551615),
                    models.Q(
                        models.Q(("amount", 0), _negated=True), models.Q(("fee", 0), _negated=True), _connector="OR"
                    ),
                ),
                name="mutoscope_solana_transfer_amount_in_range",
            ),
        ),
        migrations.AddConstraint(
            model_name="transfer",
            constraint=models.CheckConstraint(
                condition=models.Q(("payment__isnull", True), ("amount__gt", 0), _connector="OR"),
                name="mutoscope_solana_transfer_pays_if_received",
            ),
        ),
        migrations.AddConstraint(
            model_name="unmatchedreceipt",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("ended_at__isnull", True), ("state", "open")),
                    models.Q(("ended_at__isnull", False), ("state", "allocated")),
                    models.Q(("ended_at__isnull", False), ("state", "closed"), models.Q(("note", ""), _negated=True)),
                    _connector="OR",
                ),
                name="mutoscope_solana_unmatched_ends_with_a_reason",
            ),
        ),
        migrations.AddConstraint(
            model_name="unmatchedreceipt",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("ended_at__isnull", True), ("ended_at__gte", models.F("opened_at")), _connector="OR"
                ),
                name="mutoscope_solana_unmatched_ends_after_it_began",
            ),
        ),
        migrations.AddIndex(
            model_name="watchedaccount",
            index=models.Index(
                condition=models.Q(("next_look_at__isnull", False)),
                fields=["kind", "next_look_at", "id"],
                name="mutoscope_account_due",
            ),
        ),
        migrations.AddIndex(
            model_name="watchedaccount",
            index=models.Index(fields=["owner"], name="mutoscope_account_owner"),
        ),
        migrations.AddConstraint(
            model_name="watchedaccount",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("kind", "one_time"), ("payment__isnull", False)),
                    models.Q(("kind", "receiving"), ("payment__isnull", True)),
                    _connector="OR",
                ),
                name="mutoscope_solana_account_one_time_has_payment",
            ),
        ),
        migrations.AddConstraint(
            model_name="watchedaccount",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("observed__gte", 0), models.Q(("opening__isnull", True), ("opening__gte", 0), _connector="OR")
                ),
                name="mutoscope_solana_account_balances_not_negative",
            ),
        ),
        migrations.AddIndex(
            model_name="webhookdelivery",
            index=models.Index(
                condition=models.Q(("due_at__isnull", False)), fields=["due_at", "id"], name="mutoscope_delivery_due"
            ),
        ),
        migrations.AddConstraint(
            model_name="webhookdelivery",
            constraint=models.UniqueConstraint(
                fields=("endpoint", "event"), name="mutoscope_solana_delivery_once_an_endpoint"
            ),
        ),
    ]

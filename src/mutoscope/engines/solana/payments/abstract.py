"""What a payment and a token are. A project that wants more columns subclasses these in its own app:

    class OrderPayment(AbstractPayment):
        order = models.ForeignKey("shop.Order", on_delete=models.PROTECT)

    MUTOSCOPE_SOLANA_PAYMENT_MODEL = "shop.OrderPayment"      # before the first migration

A subclass with a Meta of its own lets it inherit `AbstractPayment.Meta`, for the constraints are there.
"""

from __future__ import annotations

from functools import reduce
from operator import or_

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now

from mutoscope.engines.sequences.public import random_id
from mutoscope.engines.solana.conf import token_model_name
from mutoscope.engines.solana.payments.domain.addresses import TOKEN_PROGRAMS
from mutoscope.engines.solana.payments.domain.amounts import DECIMALS_MAX, U64_MAX
from mutoscope.engines.solana.payments.domain.states import NEXT_STEPS, Money, Status, Step, next_steps, phase
from mutoscope.engines.solana.payments.fields import AddressField, BaseUnitsField


class ReceivesBy(models.TextChoices):
    """How a payment's money is recognised."""

    REFERENCE = "reference", "reference to the merchant's account"
    WALLET = "wallet", "one-time wallet"


def _choices(kind: type[Status] | type[Money]) -> list[tuple[str, str]]:
    return [(each.value, each.value) for each in kind]


def _standing_is_possible() -> Q:
    pairs = [
        Q(status=status.value, money__in=[money.value for at, money in NEXT_STEPS if at is phase(status)])
        for status in Status
    ]
    return reduce(or_, pairs)


class AbstractToken(models.Model):
    """A token that may be asked for. SOL is the one without a mint."""

    id = models.BigAutoField(primary_key=True)
    symbol = models.CharField(max_length=20)
    name = models.CharField(max_length=100, blank=True)
    mint = AddressField(unique=True, blank=True, help_text="Empty for SOL.")
    program = AddressField(blank=True, help_text="The token program that owns the mint. Empty for SOL.")
    decimals = models.PositiveSmallIntegerField()
    extensions = ArrayField(
        models.CharField(max_length=60), default=list, blank=True, help_text="Token-2022 extensions this mint may have."
    )
    dust_below = BaseUnitsField(default=0, help_text="Smaller receipts are recorded, but nobody hurries for them.")
    second_opinion_from = BaseUnitsField(
        null=True, blank=True, help_text="From this amount on, two nodes have to agree before a receipt counts."
    )
    is_active = models.BooleanField(default=True, help_text="May new payments be asked for in it?")

    class Meta:
        abstract = True
        constraints = [
            models.CheckConstraint(
                condition=Q(mint="", program="", decimals=9) | (~Q(mint="") & Q(program__in=TOKEN_PROGRAMS)),
                name="%(app_label)s_%(class)s_mint_has_program",
            ),
            models.CheckConstraint(
                condition=Q(decimals__lte=DECIMALS_MAX), name="%(app_label)s_%(class)s_decimals_in_range"
            ),
            models.CheckConstraint(
                condition=Q(dust_below__gte=0) & (Q(second_opinion_from__isnull=True) | Q(second_opinion_from__gte=1)),
                name="%(app_label)s_%(class)s_thresholds_positive",
            ),
        ]

    def __str__(self) -> str:
        return self.symbol


class AbstractPayment(models.Model):
    """An expected amount, in one of several tokens, before a moment; and what became of it."""

    # Rows are written many at a time with this type in the statement, so a subclass keeps it.
    id = models.BigAutoField(primary_key=True)
    public_id = models.CharField(max_length=22, unique=True, default=random_id, editable=False)
    purpose = models.CharField(
        max_length=200, blank=True, help_text='What is paid for, in the project\'s words: "order:17".'
    )
    owner_ref = models.CharField(max_length=200, blank=True, help_text="Who may see it, in the project's words.")
    idempotency_key = models.CharField(max_length=200, null=True, blank=True, unique=True)
    metadata = models.JSONField(default=dict, blank=True)

    receives_by = models.CharField(max_length=9, choices=ReceivesBy.choices)
    recipient = AddressField(help_text="The wallet to pay to.")
    reference = AddressField(null=True, blank=True, unique=True)

    status = models.CharField(max_length=9, choices=_choices(Status), default=Status.WAITING.value)
    money = models.CharField(max_length=7, choices=_choices(Money), default=Money.NOTHING.value)
    paid_in = models.ForeignKey(token_model_name(), null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    accepts_late = models.BooleanField(default=False, help_text="Somebody decided that late money counts.")
    # The transaction that completed the price.
    signature = AddressField(max_length=88, blank=True)

    created_at = models.DateTimeField(db_default=Now(), editable=False)
    expires_at = models.DateTimeField()
    seen_at = models.DateTimeField(null=True, blank=True)
    confirmed_at = models.DateTimeField(null=True, blank=True)
    settled_at = models.DateTimeField(null=True, blank=True)
    expired_at = models.DateTimeField(null=True, blank=True)
    swept_at = models.DateTimeField(null=True, blank=True)
    changed_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        abstract = True
        constraints = [
            models.CheckConstraint(
                condition=_standing_is_possible(), name="%(app_label)s_%(class)s_standing_is_possible"
            ),
            models.CheckConstraint(
                condition=Q(receives_by=ReceivesBy.REFERENCE, reference__isnull=False)
                | Q(receives_by=ReceivesBy.WALLET, reference__isnull=True),
                name="%(app_label)s_%(class)s_reference_if_by_reference",
            ),
            models.UniqueConstraint(
                fields=["recipient"],
                condition=Q(receives_by=ReceivesBy.WALLET),
                name="%(app_label)s_%(class)s_wallet_used_once",
            ),
            models.CheckConstraint(
                condition=Q(status=Status.SETTLED.value, paid_in__isnull=False, settled_at__isnull=False)
                | (~Q(status=Status.SETTLED.value) & Q(paid_in__isnull=True, settled_at__isnull=True)),
                name="%(app_label)s_%(class)s_settled_in_a_token",
            ),
            models.CheckConstraint(
                condition=~Q(status=Status.EXPIRED.value) | Q(expired_at__isnull=False),
                name="%(app_label)s_%(class)s_expired_at_a_moment",
            ),
            models.CheckConstraint(
                condition=Q(expires_at__gt=F("created_at")), name="%(app_label)s_%(class)s_expires_after_creation"
            ),
        ]
        indexes = [
            # What may still expire, soonest first.
            models.Index(
                fields=["expires_at"],
                condition=Q(status__in=[Status.WAITING.value, Status.SEEN.value, Status.CONFIRMED.value]),
                name="%(app_label).10s_%(class).10s_open",
            ),
            models.Index(fields=["owner_ref", "-id"], name="%(app_label).10s_%(class).10s_owner"),
        ]

    def __str__(self) -> str:
        return f"{self.public_id} {self.status}/{self.money}"

    def next_steps(self) -> tuple[Step, ...]:
        """What has to happen next with it."""
        return next_steps(Status(self.status), Money(self.money))


# Imported by abstract models' constraints and by tests of them.
AMOUNT_MAX = U64_MAX

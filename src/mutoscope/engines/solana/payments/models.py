"""Payments, tokens, prices, transfers and the receipts that fit no payment."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now

from mutoscope.engines.solana.conf import payment_model_name, token_model_name
from mutoscope.engines.solana.payments.abstract import AMOUNT_MAX, AbstractPayment, AbstractToken
from mutoscope.engines.solana.payments.fields import AddressField, BaseUnitsField


class Token(AbstractToken):
    """The app's own token model; a project may bring another."""

    class Meta(AbstractToken.Meta):
        swappable = "MUTOSCOPE_SOLANA_TOKEN_MODEL"


class Payment(AbstractPayment):
    """The app's own payment model; a project may bring another."""

    class Meta(AbstractPayment.Meta):
        swappable = "MUTOSCOPE_SOLANA_PAYMENT_MODEL"


class Price(models.Model):
    """One of the amounts that would pay a payment. Fixed from the moment it is offered."""

    payment = models.ForeignKey(payment_model_name(), on_delete=models.CASCADE, related_name="prices")
    token = models.ForeignKey(token_model_name(), on_delete=models.PROTECT, related_name="+")
    amount = BaseUnitsField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["payment", "token"], name="mutoscope_solana_price_once_a_token"),
            models.CheckConstraint(
                condition=Q(amount__gte=1, amount__lte=AMOUNT_MAX), name="mutoscope_solana_price_is_payable"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.amount} of token {self.token_id}"


class Transfer(models.Model):
    """What one finalised transaction changed in one account of ours. Written once, never changed but for whose it is.

    The sum of `amount` less `fee` over an account's rows is the account's balance on chain.
    """

    signature = AddressField(max_length=88)
    account = AddressField()
    owner = AddressField(help_text="The wallet the account belongs to.")
    mint = AddressField(blank=True)
    program = AddressField(blank=True)
    token = models.ForeignKey(token_model_name(), null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    decimals = models.SmallIntegerField(
        null=True, blank=True, help_text="Of a token that is not configured, as the transaction says."
    )
    amount = BaseUnitsField(help_text="Base units; negative for what left. Without the fee.")
    fee = BaseUnitsField(default=0, help_text="Lamports this account paid for the transaction.")
    slot = models.BigIntegerField()
    block_time = models.DateTimeField()
    payment = models.ForeignKey(
        payment_model_name(), null=True, blank=True, on_delete=models.PROTECT, related_name="transfers"
    )
    recorded_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["signature", "account"], name="mutoscope_solana_transfer_recorded_once"),
            models.CheckConstraint(
                condition=Q(amount__gte=-AMOUNT_MAX, amount__lte=AMOUNT_MAX, fee__gte=0, fee__lte=AMOUNT_MAX)
                & (~Q(amount=0) | ~Q(fee=0)),
                name="mutoscope_solana_transfer_amount_in_range",
            ),
            models.CheckConstraint(
                condition=Q(payment__isnull=True) | Q(amount__gt=0), name="mutoscope_solana_transfer_pays_if_received"
            ),
        ]
        indexes = [models.Index(fields=["account", "slot"], name="mutoscope_transfer_account")]

    def __str__(self) -> str:
        return f"{self.amount} at {self.account} by {self.signature}"


class UnmatchedReceipt(models.Model):
    """Money that arrived and fits no payment, until somebody says what it is."""

    class Reason(models.TextChoices):
        NO_REFERENCE = "no_reference", "no payment's reference in the transaction"
        SEVERAL_REFERENCES = "several_references", "references of several payments in one transaction"
        UNKNOWN_TOKEN = "unknown_token", "a token, or an account for it, that is not configured"
        UNEXPLAINED = "unexplained", "a balance on chain that no known transaction explains"

    class State(models.TextChoices):
        OPEN = "open", "open"
        ALLOCATED = "allocated", "given to a payment"
        CLOSED = "closed", "closed with a note"

    transfer = models.OneToOneField(Transfer, on_delete=models.PROTECT, related_name="unmatched")
    reason = models.CharField(max_length=20, choices=Reason.choices)
    state = models.CharField(max_length=9, choices=State.choices, default=State.OPEN)
    note = models.TextField(blank=True)
    opened_at = models.DateTimeField(db_default=Now(), editable=False)
    ended_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(state="open", ended_at__isnull=True)
                | Q(state="allocated", ended_at__isnull=False)
                | (Q(state="closed", ended_at__isnull=False) & ~Q(note="")),
                name="mutoscope_solana_unmatched_ends_with_a_reason",
            ),
            models.CheckConstraint(
                condition=Q(ended_at__isnull=True) | Q(ended_at__gte=F("opened_at")),
                name="mutoscope_solana_unmatched_ends_after_it_began",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.reason} ({self.state})"

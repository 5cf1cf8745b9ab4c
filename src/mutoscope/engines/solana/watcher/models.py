"""What the watcher looks at, how far it got there, and which of several watchers leads."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from mutoscope.engines.solana.conf import payment_model_name, token_model_name
from mutoscope.engines.solana.payments.fields import AddressField, BaseUnitsField


class WatchedAccount(models.Model):
    """One account on chain in which money is expected.

    A walk through an account's transactions goes from the newest to `until`, the newest that earlier walks have done with.
    It may take many looks, so where it began (`head`) and where it is (`before`) are kept; at its end `head` is the new
    `until`. Whatever dies in between, the walk goes on from what is written here.
    """

    class Kind(models.TextChoices):
        ONE_TIME = "one_time", "one-time wallet"
        RECEIVING = "receiving", "the merchant's own"

    address = AddressField(unique=True)
    owner = AddressField()
    token = models.ForeignKey(token_model_name(), on_delete=models.PROTECT, related_name="+")
    kind = models.CharField(max_length=9, choices=Kind.choices)
    payment = models.ForeignKey(
        payment_model_name(), null=True, blank=True, on_delete=models.PROTECT, related_name="accounts"
    )
    # Base units. What was there before the records begin (null: not known yet); what the records say on top of it, which
    # may be negative for a while, since walks go backwards; what the last look saw.
    opening = BaseUnitsField(null=True, blank=True)
    recorded = BaseUnitsField(default=0, max_digits=30)
    observed = BaseUnitsField(default=0)

    until_signature = AddressField(max_length=88, blank=True)
    until_slot = models.BigIntegerField(default=0)
    head_signature = AddressField(max_length=88, blank=True)
    head_slot = models.BigIntegerField(default=0)
    before_signature = AddressField(max_length=88, blank=True)

    since = models.DateTimeField(db_default=Now(), editable=False)
    # When everything final was last known to be recorded: a payment expires only after that was so.
    complete_at = models.DateTimeField(null=True, blank=True)
    next_look_at = models.DateTimeField(db_default=Now(), null=True)
    ended_at = models.DateTimeField(null=True, blank=True)
    audited_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(kind="one_time", payment__isnull=False) | Q(kind="receiving", payment__isnull=True),
                name="mutoscope_solana_account_one_time_has_payment",
            ),
            models.CheckConstraint(
                condition=Q(observed__gte=0) & (Q(opening__isnull=True) | Q(opening__gte=0)),
                name="mutoscope_solana_account_balances_not_negative",
            ),
        ]
        indexes = [
            models.Index(
                fields=["kind", "next_look_at", "id"],
                condition=Q(next_look_at__isnull=False),
                name="mutoscope_account_due",
            ),
            models.Index(fields=["owner"], name="mutoscope_account_owner"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.address}"


class StraySearch(models.Model):
    """When a payment is next searched for money that its accounts do not show (watcher/searching.py)."""

    payment = models.OneToOneField(
        payment_model_name(), primary_key=True, on_delete=models.CASCADE, related_name="stray_search"
    )
    due_at = models.DateTimeField(db_index=True)
    searched_at = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return f"payment {self.payment_id} from {self.due_at} on"


class Lease(models.Model):
    """Who leads, until when. A row, not a session's lock: behind a pooler two sessions may get the same lock."""

    name = models.CharField(max_length=50, primary_key=True)
    holder = models.CharField(max_length=100)
    until = models.DateTimeField()

    class Meta:
        db_table = "mutoscope_solana_lease"

    def __str__(self) -> str:
        return f"{self.name}: {self.holder}"

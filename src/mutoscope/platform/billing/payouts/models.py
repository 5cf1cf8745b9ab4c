"""What creators are paid, and where."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils import timezone

from mutoscope.platform.billing.domain.lengths import KEY_LENGTH_MAX, REASON_LENGTH_MAX
from mutoscope.platform.billing.on_chain import Progress


class PayoutAddress(models.Model):
    """An address that a channel wants to be paid at, and the message that its holder signs to prove it. Rows are the history."""

    channel = models.ForeignKey("accounts.Channel", on_delete=models.PROTECT, related_name="+")
    address = models.CharField(max_length=44)
    nonce = models.CharField(max_length=22, unique=True)
    # Word for word what was signed.
    message = models.TextField()
    asked_at = models.DateTimeField(db_default=Now())
    # A signature that comes later proves nothing.
    expires_at = models.DateTimeField()
    signature = models.CharField(max_length=88, blank=True, default="")
    proven_at = models.DateTimeField(null=True, blank=True)
    # When another took its place.
    ended_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-id"]
        verbose_name_plural = "payout addresses"
        constraints = [
            models.UniqueConstraint(
                fields=["channel"],
                condition=Q(proven_at__isnull=False, ended_at__isnull=True),
                name="billing_payout_address_one_current",
            ),
            models.CheckConstraint(
                condition=Q(proven_at__isnull=True, signature="") | (Q(proven_at__isnull=False) & ~Q(signature="")),
                name="billing_payout_address_proven_by_a_signature",
            ),
        ]

    def __str__(self) -> str:
        return self.address


class Payout(models.Model):
    """A creator's wish to be paid. Its points are held in the ledger until it was paid, or refused, or failed."""

    class State(models.TextChoices):
        WAITING = "waiting", "waits for approval"
        APPROVED = "approved", "approved"
        PAID = "paid", "paid"
        REFUSED = "refused", "refused"
        CANCELLED = "cancelled", "cancelled"
        FAILED = "failed", "failed"
        VOIDED = "voided", "voided"

    OPEN = (State.WAITING, State.APPROVED)

    channel = models.ForeignKey("accounts.Channel", on_delete=models.PROTECT, related_name="+")
    # From 1 without gaps in each channel; what a statement names.
    number = models.IntegerField()
    points = models.IntegerField()
    state = models.CharField(max_length=9, choices=State, default=State.WAITING)
    hold_id = models.BigIntegerField()
    # The transfer that ended the hold; null while it is open.
    ended_by_id = models.BigIntegerField(null=True, blank=True)
    # Who is paid on chain, how much in base units of which token, at which rate: written down when it is ordered.
    address = models.ForeignKey(PayoutAddress, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    mint = models.CharField(max_length=44, blank=True, default="")
    symbol = models.CharField(max_length=20, blank=True, default="")
    decimals = models.SmallIntegerField(default=0)
    amount = models.BigIntegerField(null=True, blank=True)
    rate_usd = models.CharField(max_length=40, blank=True, default="")
    progress = models.CharField(max_length=9, choices=Progress, blank=True, default=Progress.NONE)
    # The signature of the transaction on chain, once there is one: the latest, and when it was paid the one that paid.
    # Of one that was paid by hand, that signature or the operator's words.
    reference = models.CharField(max_length=120, blank=True, default="")
    reason = models.CharField(max_length=REASON_LENGTH_MAX, blank=True, default="")
    request_key = models.CharField(max_length=KEY_LENGTH_MAX)
    asked_at = models.DateTimeField(default=timezone.now)
    decided_by = models.ForeignKey("accounts.Person", on_delete=models.PROTECT, null=True, related_name="+")
    ended_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(fields=["channel", "number"], name="billing_payout_number_once"),
            models.UniqueConstraint(fields=["channel", "request_key"], name="billing_payout_request_once"),
            models.UniqueConstraint(fields=["hold_id"], name="billing_payout_one_hold"),
            models.UniqueConstraint(fields=["ended_by_id"], name="billing_payout_one_end"),
            # One at a time: what is available would otherwise have to be explained.
            models.UniqueConstraint(
                fields=["channel"], condition=Q(state__in=["waiting", "approved"]), name="billing_payout_one_open"
            ),
            models.CheckConstraint(condition=Q(points__gte=1), name="billing_payout_points"),
            models.CheckConstraint(
                condition=Q(state__in=["waiting", "approved"], ended_by_id__isnull=True)
                | Q(state__in=["paid", "refused", "cancelled", "failed", "voided"], ended_by_id__isnull=False),
                name="billing_payout_ends_with_its_hold",
            ),
            models.CheckConstraint(
                condition=Q(progress="", amount__isnull=True)
                | Q(~Q(progress=""), amount__isnull=False, amount__gte=1, address__isnull=False),
                name="billing_payout_ordered_in_full",
            ),
        ]

    def __str__(self) -> str:
        return f"payout {self.number}"

    def is_ordered(self) -> bool:
        """Whether the signer was asked to pay it: then nobody else ends it."""
        return self.progress != ""

"""What a viewer asked to have back of a top-up's money, and the addresses that they proved to hold."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from mutoscope.platform.billing.domain.lengths import KEY_LENGTH_MAX, REASON_LENGTH_MAX
from mutoscope.platform.billing.on_chain import Progress

# Progress of a refund that the signer could not send: its staff did, out of another wallet.
BY_HAND = "by_hand"


class RefundAddress(models.Model):
    """An address other than the paying one that a viewer wants the money of one top-up at, and the message that its holder signs."""

    top_up = models.ForeignKey("billing.TopUp", on_delete=models.PROTECT, related_name="+")
    address = models.CharField(max_length=44)
    nonce = models.CharField(max_length=22, unique=True)
    # Word for word what was signed.
    message = models.TextField()
    asked_at = models.DateTimeField(db_default=Now())
    # A signature that comes later proves nothing.
    expires_at = models.DateTimeField()
    signature = models.CharField(max_length=88, blank=True, default="")
    proven_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(proven_at__isnull=True, signature="") | (Q(proven_at__isnull=False) & ~Q(signature="")),
                name="billing_refund_address_proven_by_a_signature",
            ),
        ]

    def __str__(self) -> str:
        return self.address


class TopUpRefund(models.Model):
    """Money of one receipt of a top-up that bought no points, on its way back. No points move: it never became any."""

    class State(models.TextChoices):
        REQUESTED = "requested", "waits for approval"
        APPROVED = "approved", "approved"
        PAID = "paid", "sent back"
        REFUSED = "refused", "refused"
        CANCELLED = "cancelled", "cancelled"
        FAILED = "failed", "failed"
        VOIDED = "voided", "voided"

    OPEN = (State.REQUESTED, State.APPROVED)

    top_up = models.ForeignKey("billing.TopUp", on_delete=models.PROTECT, related_name="+")
    # The transaction that brought it, the wallet of ours that it went to, and how much of which token goes back.
    receipt = models.CharField(max_length=88)
    receiver = models.CharField(max_length=44)
    mint = models.CharField(max_length=44, blank=True)
    symbol = models.CharField(max_length=20)
    decimals = models.SmallIntegerField()
    amount = models.BigIntegerField()
    # Null is the wallet that paid, which the signer reads from the receipt.
    address = models.ForeignKey(RefundAddress, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    state = models.CharField(max_length=9, choices=State, default=State.REQUESTED)
    progress = models.CharField(
        max_length=9, choices=[*Progress.choices, (BY_HAND, "sent by hand")], blank=True, default=Progress.NONE
    )
    # The transaction that sends it, once there is one.
    signature = models.CharField(max_length=88, blank=True, default="")
    request_key = models.CharField(max_length=KEY_LENGTH_MAX)
    asked_at = models.DateTimeField(db_default=Now())
    decided_by = models.ForeignKey("accounts.Person", on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    decided_at = models.DateTimeField(null=True, blank=True)
    # Why staff approved or refused it.
    reason = models.CharField(max_length=REASON_LENGTH_MAX, blank=True, default="")
    # Why the signer sent nothing.
    trouble = models.CharField(max_length=REASON_LENGTH_MAX, blank=True, default="")
    ended_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-id"]
        verbose_name = "refund of a top-up"
        verbose_name_plural = "refunds of top-ups"
        constraints = [
            # Asked for twice, or approved by two: one that is open is the only one.
            models.UniqueConstraint(
                fields=["top_up", "receipt", "mint"],
                condition=Q(state__in=["requested", "approved"]),
                name="billing_top_up_refund_one_open",
            ),
            models.UniqueConstraint(
                fields=["top_up", "request_key", "receipt", "mint"], name="billing_top_up_refund_request_once"
            ),
            models.CheckConstraint(condition=Q(amount__gte=1), name="billing_top_up_refund_amount"),
            models.CheckConstraint(
                condition=Q(state__in=["requested", "cancelled"], decided_by__isnull=True, progress="")
                | (Q(state="refused", decided_by__isnull=False, progress="") & ~Q(reason=""))
                | (
                    Q(state__in=["approved", "paid", "failed", "voided"], decided_by__isnull=False)
                    & ~Q(reason="")
                    & ~Q(progress="")
                ),
                name="billing_top_up_refund_decided_with_a_reason",
            ),
            models.CheckConstraint(
                condition=Q(state__in=["requested", "approved"], ended_at__isnull=True)
                | Q(state__in=["paid", "refused", "cancelled", "failed", "voided"], ended_at__isnull=False),
                name="billing_top_up_refund_ended_at",
            ),
            models.CheckConstraint(
                condition=~Q(state="paid") | ~Q(signature=""), name="billing_top_up_refund_paid_by_a_transaction"
            ),
            # One transaction by hand is one refund.
            models.UniqueConstraint(
                fields=["signature"], condition=Q(progress=BY_HAND), name="billing_top_up_refund_by_hand_once"
            ),
            models.CheckConstraint(
                condition=~Q(progress=BY_HAND) | Q(state="paid"), name="billing_top_up_refund_by_hand_is_paid"
            ),
        ]

    def __str__(self) -> str:
        return f"refund {self.pk} of top-up {self.top_up_id}"

    def key(self) -> str:
        """What the signer's job of it is called: the same again is the same payment."""
        return f"top-up-refund:{self.pk}"

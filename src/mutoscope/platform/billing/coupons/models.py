"""Tables of coupons."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q
from django.utils import timezone

from mutoscope.platform.billing.domain.coupons import CODE_LENGTH_MAX
from mutoscope.platform.billing.domain.money import POINTS_MAX


class Coupon(models.Model):
    """A code of a channel, for one film of it or for all. What it takes off is never changed; it ends, and stays as history."""

    channel = models.ForeignKey("accounts.Channel", on_delete=models.PROTECT, related_name="+")
    # Null is every film of the channel.
    video = models.ForeignKey("videos.Video", on_delete=models.CASCADE, null=True, blank=True, related_name="+")
    code = models.CharField(max_length=CODE_LENGTH_MAX)
    # One of the two.
    percent = models.SmallIntegerField(null=True, blank=True)
    points_off = models.IntegerField(null=True, blank=True)
    starts_at = models.DateTimeField(default=timezone.now)
    ends_at = models.DateTimeField(null=True, blank=True)
    # How often it may be used by all together; null is without a limit. Each viewer uses it once.
    uses_max = models.IntegerField(null=True, blank=True)
    uses = models.IntegerField(default=0)
    made_at = models.DateTimeField(default=timezone.now)
    # Ended by its creator, whatever its time.
    ended_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(fields=["channel", "code"], name="billing_coupon_once"),
            models.CheckConstraint(condition=Q(code__regex=r"^[A-Z0-9][A-Z0-9-]{2,23}$"), name="billing_coupon_code"),
            models.CheckConstraint(
                # Not null, said aloud: NULL compared is NULL, and a CHECK lets that pass.
                condition=Q(percent__isnull=False, percent__gte=1, percent__lte=100, points_off__isnull=True)
                | Q(points_off__isnull=False, points_off__gte=1, points_off__lte=POINTS_MAX, percent__isnull=True),
                name="billing_coupon_takes_something_off",
            ),
            models.CheckConstraint(
                condition=Q(uses__gte=0) & (Q(uses_max__isnull=True) | Q(uses_max__gte=1, uses__lte=F("uses_max"))),
                name="billing_coupon_uses",
            ),
            models.CheckConstraint(
                condition=Q(ends_at__isnull=True) | Q(ends_at__gt=F("starts_at")), name="billing_coupon_period"
            ),
        ]

    def __str__(self) -> str:
        return self.code

    def words(self) -> str:
        """What it takes off."""
        return f"{self.percent} % off" if self.percent is not None else f"{self.points_off:,} points off"


class CouponUse(models.Model):
    """That a viewer used a code, for which purchase, and what it took off."""

    coupon = models.ForeignKey(Coupon, on_delete=models.PROTECT, related_name="used")
    viewer = models.ForeignKey("accounts.Person", on_delete=models.PROTECT, related_name="+")
    purchase = models.OneToOneField("billing.Purchase", on_delete=models.PROTECT, related_name="coupon_use")
    points_off = models.IntegerField()
    at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(fields=["coupon", "viewer"], name="billing_coupon_once_each"),
            models.CheckConstraint(condition=Q(points_off__gte=0), name="billing_coupon_use_points"),
        ]

    def __str__(self) -> str:
        return f"{self.points_off} points off"

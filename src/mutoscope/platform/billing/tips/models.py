"""What a tip keeps."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q
from django.utils import timezone

from mutoscope.platform.billing.domain.lengths import KEY_LENGTH_MAX
from mutoscope.platform.billing.domain.money import POINTS_MAX

NOTE_LENGTH_MAX = 120


class Tip(models.Model):
    """Points given to a creator beyond the price, with a note. Shown under the film when both wish it."""

    viewer = models.ForeignKey("accounts.Person", on_delete=models.PROTECT, related_name="+")
    video = models.ForeignKey("videos.Video", on_delete=models.PROTECT, related_name="+", db_constraint=False)
    channel = models.ForeignKey(
        "accounts.Channel", on_delete=models.PROTECT, related_name="+", db_constraint=False, db_index=False
    )
    points = models.IntegerField()
    fee_points = models.IntegerField()
    creator_points = models.IntegerField()
    note = models.CharField(max_length=NOTE_LENGTH_MAX, blank=True, default="")
    # The viewer's wish, and the creator's.
    may_be_shown = models.BooleanField(default=False)
    is_shown = models.BooleanField(default=False)
    given_at = models.DateTimeField(default=timezone.now)
    transfer_id = models.BigIntegerField()
    request_key = models.CharField(max_length=KEY_LENGTH_MAX)

    class Meta:
        ordering = ["-id"]
        indexes = [
            models.Index(fields=["channel", "-id"], name="billing_tip_of_channel"),
            models.Index(fields=["channel", "given_at"], name="billing_tip_by_day"),
            models.Index(
                fields=["video", "-id"], name="billing_tip_shown", condition=Q(may_be_shown=True, is_shown=True)
            ),
        ]
        constraints = [
            models.UniqueConstraint(fields=["transfer_id"], name="billing_tip_one_transfer"),
            models.UniqueConstraint(fields=["viewer", "request_key"], name="billing_tip_request_once"),
            models.CheckConstraint(
                condition=Q(points=F("fee_points") + F("creator_points"))
                & Q(points__gte=1, points__lte=POINTS_MAX, fee_points__gte=0, creator_points__gte=0),
                name="billing_tip_parts_add_up",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.points} points"

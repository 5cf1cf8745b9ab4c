"""Tables of bundles."""

from __future__ import annotations

import secrets

from django.db import models
from django.db.models import F, Q
from django.utils import timezone

from mutoscope.platform.billing.domain.lengths import KEY_LENGTH_MAX
from mutoscope.platform.billing.domain.money import POINTS_MAX
from mutoscope.platform.billing.domain.terms import Term

TITLE_LENGTH_MAX = 120
ALPHABET = "abcdefghjkmnpqrstuvwxyz23456789"


def new_public_id() -> str:
    """What stands in a bundle's address: twelve letters and digits that nobody can guess."""
    return "".join(secrets.choice(ALPHABET) for _ in range(12))


class Bundle(models.Model):
    """Films of a channel, sold together for one term at one price. Films, term and price are never changed; it ends, and stays as history."""

    channel = models.ForeignKey("accounts.Channel", on_delete=models.PROTECT, related_name="+")
    public_id = models.CharField(max_length=12, unique=True, default=new_public_id, editable=False)
    title = models.CharField(max_length=TITLE_LENGTH_MAX)
    term = models.CharField(max_length=8, choices=[(term.value, term.value) for term in Term])
    points = models.IntegerField()
    made_at = models.DateTimeField(default=timezone.now)
    ended_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-id"]
        indexes = [models.Index(fields=["channel", "-id"], name="billing_bundle_of_channel")]
        constraints = [
            models.CheckConstraint(condition=~Q(title=""), name="billing_bundle_has_title"),
            models.CheckConstraint(condition=Q(term__in=list(Term)), name="billing_bundle_term"),
            models.CheckConstraint(condition=Q(points__gte=1, points__lte=POINTS_MAX), name="billing_bundle_points"),
        ]

    def __str__(self) -> str:
        return self.title


class BundleFilm(models.Model):
    """One film of a bundle."""

    bundle = models.ForeignKey(Bundle, on_delete=models.CASCADE, related_name="films")
    video = models.ForeignKey("videos.Video", on_delete=models.PROTECT, related_name="+")
    position = models.SmallIntegerField()

    class Meta:
        ordering = ["position"]
        constraints = [
            models.UniqueConstraint(fields=["bundle", "video"], name="billing_bundle_film_once"),
            models.UniqueConstraint(fields=["bundle", "position"], name="billing_bundle_film_place"),
        ]

    def __str__(self) -> str:
        return f"film {self.video_id}"


class BundlePurchase(models.Model):
    """A receipt: what one click paid for a bundle. Each film that it unlocked has a Purchase that says which part of it."""

    bundle = models.ForeignKey(Bundle, on_delete=models.PROTECT, related_name="+")
    viewer = models.ForeignKey("accounts.Person", on_delete=models.PROTECT, related_name="+")
    # How many times this viewer had bought it before: what the page saw, so that two tabs cannot buy twice.
    number = models.IntegerField()
    price_points = models.IntegerField()
    # The shares of films that were owned for long enough.
    owned_points = models.IntegerField(default=0)
    fee_points = models.IntegerField()
    creator_points = models.IntegerField()
    bought_at = models.DateTimeField()
    expires_at = models.DateTimeField(null=True, blank=True)
    transfer_id = models.BigIntegerField(unique=True)
    request_key = models.CharField(max_length=KEY_LENGTH_MAX, blank=True, default="")
    refunded_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(fields=["viewer", "bundle", "number"], name="billing_bundle_purchase_once"),
            models.UniqueConstraint(
                fields=["viewer", "request_key"], condition=~Q(request_key=""), name="billing_bundle_request_once"
            ),
            models.CheckConstraint(
                condition=Q(price_points=F("owned_points") + F("fee_points") + F("creator_points"))
                & Q(owned_points__gte=0, fee_points__gte=0, creator_points__gte=1),
                name="billing_bundle_purchase_parts_add_up",
            ),
        ]

    def __str__(self) -> str:
        return f"bundle for {self.fee_points + self.creator_points} points"

"""Events that wait to be told, and the webhooks they are told by."""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from mutoscope.engines.sequences.public import random_id
from mutoscope.engines.solana.conf import payment_model_name


class Event(models.Model):
    """Something that happened to a payment, written in the transaction in which it happened."""

    class Name(models.TextChoices):
        INITIATED = "initiated"
        SEEN = "seen"
        CONFIRMED = "confirmed"
        SETTLED = "settled"
        PARTIAL = "partial"
        EXCESS = "excess"
        FOREIGN = "foreign"
        LATE = "late"
        EXPIRED = "expired"
        SWEPT = "swept"
        UNMATCHED = "unmatched"

    # What happens once has one key, however often it is found out: a receiver that remembers keys acts once.
    key = models.CharField(max_length=200, unique=True)
    name = models.CharField(max_length=20, choices=Name.choices)
    payment = models.ForeignKey(
        payment_model_name(), null=True, blank=True, on_delete=models.CASCADE, related_name="events"
    )
    payload = models.JSONField(default=dict)
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    # Null once it was told or given up.
    due_at = models.DateTimeField(db_default=Now(), null=True)
    told_at = models.DateTimeField(null=True, blank=True)
    attempts = models.PositiveSmallIntegerField(default=0)
    last_error = models.TextField(blank=True)

    class Meta:
        indexes = [models.Index(fields=["due_at", "id"], condition=Q(due_at__isnull=False), name="mutoscope_event_due")]

    def __str__(self) -> str:
        return self.key


class WebhookEndpoint(models.Model):
    """An address that is told. Its secret is not stored: it is derived from the site's key and the salt."""

    url = models.URLField(max_length=500)
    names = ArrayField(
        models.CharField(max_length=20), default=list, blank=True, help_text="Only these events; empty for all."
    )
    salt = models.CharField(max_length=22, default=random_id, editable=False)
    is_active = models.BooleanField(default=True)
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    def __str__(self) -> str:
        return self.url


class WebhookDelivery(models.Model):
    """One event on its way to one address."""

    endpoint = models.ForeignKey(WebhookEndpoint, on_delete=models.CASCADE, related_name="deliveries")
    event = models.ForeignKey(Event, on_delete=models.CASCADE, related_name="deliveries")
    due_at = models.DateTimeField(db_default=Now(), null=True)
    leased_until = models.DateTimeField(null=True, blank=True)
    delivered_at = models.DateTimeField(null=True, blank=True)
    attempts = models.PositiveSmallIntegerField(default=0)
    last_status = models.PositiveSmallIntegerField(null=True, blank=True)
    last_error = models.TextField(blank=True)

    class Meta:
        verbose_name_plural = "webhook deliveries"
        constraints = [
            models.UniqueConstraint(fields=["endpoint", "event"], name="mutoscope_solana_delivery_once_an_endpoint")
        ]
        indexes = [
            models.Index(fields=["due_at", "id"], condition=Q(due_at__isnull=False), name="mutoscope_delivery_due")
        ]

    def __str__(self) -> str:
        return f"event {self.event_id} to {self.endpoint_id}"

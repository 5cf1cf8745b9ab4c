"""Telling events: each in a transaction of its own, with the rows for its webhooks, and again later if a receiver fails."""

from __future__ import annotations

import logging
import random
from datetime import timedelta

from django.db import transaction
from django.db.models import Q
from django.db.models.functions import Now
from django.utils import timezone

from mutoscope.engines.solana.outbox.models import Event, WebhookDelivery, WebhookEndpoint
from mutoscope.engines.solana.outbox.signals import BY_NAME
from mutoscope.engines.solana.payments.swapped import payment_model

log = logging.getLogger(__name__)

ATTEMPTS_MAX = 20
PAUSE_FIRST_S = 5.0
PAUSE_MAX_S = 3600.0
AT_ONCE = 500


def tell_due(limit: int = AT_ONCE) -> int:
    """Tell up to `limit` events that are due; returns how many were told. From as many processes as wanted."""
    told = 0
    for _ in range(limit):
        outcome = _tell_one()
        if outcome is None:
            break
        told += outcome
    return told


def pause_s(attempts: int, first_s: float = PAUSE_FIRST_S) -> float:
    """Seconds to wait after so many failed attempts: doubling, capped, and spread so that not all come back at once."""
    return float(min(first_s * 2.0 ** (attempts - 1), PAUSE_MAX_S)) * random.uniform(0.8, 1.2)  # noqa: S311


def _tell_one() -> bool | None:
    """True: told. False: a receiver failed. None: nothing is due."""
    event: Event | None = None
    try:
        with transaction.atomic():
            event = (
                Event.objects.filter(due_at__lte=Now())
                .order_by("due_at", "id")
                .select_for_update(skip_locked=True, no_key=True)
                .first()
            )
            if event is None:
                return None
            payment = payment_model().objects.get(pk=event.payment_id) if event.payment_id else None
            BY_NAME[event.name].send(Event, payment=payment, key=event.key, data=event.payload)
            endpoints = WebhookEndpoint.objects.filter(Q(names=[]) | Q(names__contains=[event.name]), is_active=True)
            deliveries = [WebhookDelivery(endpoint=endpoint, event=event) for endpoint in endpoints]
            WebhookDelivery.objects.bulk_create(deliveries, ignore_conflicts=True)
            Event.objects.filter(pk=event.pk).update(told_at=timezone.now(), due_at=None)
            return True
    except Exception as error:
        if event is None:
            raise
        log.exception(
            "a receiver of %s failed with %s",
            event.key,
            type(error).__name__,
            extra={"action": "event_failed", "key": event.key},
        )
        _put_off(event, error)
        return False


def _put_off(event: Event, error: Exception) -> None:
    attempts = event.attempts + 1
    due_at = timezone.now() + timedelta(seconds=pause_s(attempts)) if attempts < ATTEMPTS_MAX else None
    # The kind of error and no more: its text may hold whatever the receiver had in hand.
    Event.objects.filter(pk=event.pk, told_at=None).update(
        attempts=attempts, due_at=due_at, last_error=type(error).__name__
    )

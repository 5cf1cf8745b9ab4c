"""Webhooks: events as signed POST requests, delivered again until somebody says 2xx.

Each carries `Mutoscope-Signature: t=<unix seconds>,v1=<hex>`, the HMAC-SHA256 of "<t>.<body>" under the endpoint's secret,
and `Mutoscope-Event-Key`, which is the same however often it is delivered. `verify` is the receiver's side.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import threading
import time
from dataclasses import dataclass
from datetime import timedelta

import httpx
from django.conf import settings
from django.db import connection
from django.utils import timezone

from mutoscope.engines.solana.conf import configuration
from mutoscope.engines.solana.outbox.addresses import NotPublic, target
from mutoscope.engines.solana.outbox.models import WebhookDelivery, WebhookEndpoint
from mutoscope.engines.solana.outbox.telling import pause_s

SIGNATURE_HEADER = "Mutoscope-Signature"
KEY_HEADER = "Mutoscope-Event-Key"
ATTEMPTS_MAX = 15
PAUSE_FIRST_S = 10.0
LEASE_S = 120
TIMEOUT_S = 8.0
# Of a whole delivery: a stranger may send one byte at a time.
DELIVERY_S = 10.0
TOLERANCE_S = 300
AT_ONCE = 10


class BadSignature(ValueError):
    """The request was not signed with this secret, or too long ago."""


@dataclass(frozen=True)
class Outcome:
    """How one delivery went: the HTTP status, or why there is none."""

    status: int | None
    error: str = ""

    def is_delivered(self) -> bool:
        """Whether the receiver has it."""
        return self.status is not None and 200 <= self.status < 300


def secret_of(endpoint: WebhookEndpoint) -> str:
    """What the receiver checks signatures with. Derived from the site's key, so that no copy of the database holds it."""
    derived = hmac.new(
        settings.SECRET_KEY.encode(), f"mutoscope_solana.webhook:{endpoint.salt}".encode(), hashlib.sha256
    )
    return f"whsec_{derived.hexdigest()}"


def sign(secret: str, body: bytes, at: int) -> str:
    """The value of the signature's header for a body sent at a moment, in Unix seconds."""
    return f"t={at},v1={_mac(secret, body, at)}"


def verify(secret: str, header: str, body: bytes, *, now: float | None = None) -> None:
    """For the receiver. Raises BadSignature for another body, another secret, or a request of more than five minutes ago."""
    fields = dict(part.split("=", 1) for part in header.split(",") if "=" in part)
    try:
        at = int(fields["t"])
        given = fields["v1"]
    except (KeyError, ValueError):
        raise BadSignature("no signature in the header") from None
    if abs((time.time() if now is None else now) - at) > TOLERANCE_S:
        raise BadSignature("signed too long ago, or by another clock")
    if not hmac.compare_digest(_mac(secret, body, at).encode(), given.encode()):
        raise BadSignature("signed with another secret, or another body")


def deliver_due(limit: int = AT_ONCE) -> int:
    """Send up to `limit` deliveries that are due; returns how many arrived. Holds no lock while it sends."""
    if is_in_transaction():
        raise RuntimeError(
            "webhooks are not sent in a transaction: it would hold locks while a stranger takes his time"
        )
    with connection.cursor() as cursor:
        cursor.execute(_LEASE, {"limit": limit, "lease_s": LEASE_S})
        leased = [row[0] for row in cursor.fetchall()]
    arrived = 0
    for delivery in WebhookDelivery.objects.filter(pk__in=leased).select_related("endpoint", "event").order_by("pk"):
        outcome = _send(delivery)
        arrived += outcome.is_delivered()
        _note(delivery, outcome)
    return arrived


def is_in_transaction() -> bool:
    """Whether somebody's transaction is open, other than the one that Django's TestCase wraps around each test."""
    return any(not getattr(block, "_from_testcase", False) for block in connection.atomic_blocks)


def deliver_again(delivery: WebhookDelivery) -> None:
    """Have a delivery sent once more, whatever became of it."""
    WebhookDelivery.objects.filter(pk=delivery.pk).update(due_at=timezone.now(), attempts=0, leased_until=None)


def _send(delivery: WebhookDelivery) -> Outcome:
    event = delivery.event
    content = {"key": event.key, "event": event.name, "at": event.created_at.isoformat(), "data": event.payload}
    body = json.dumps(content, separators=(",", ":")).encode()
    try:
        to = target(delivery.endpoint.url, may_be_local=configuration().webhooks_may_be_local)
    except NotPublic as problem:
        return Outcome(None, str(problem))
    address = f"[{to.address}]" if ":" in to.address else to.address
    named = f"[{to.host}]" if ":" in to.host else to.host
    headers = {
        "Host": f"{named}:{to.port}",
        "Content-Type": "application/json",
        "User-Agent": "Mutoscope",
        SIGNATURE_HEADER: sign(secret_of(delivery.endpoint), body, int(time.time())),
        KEY_HEADER: event.key,
    }
    # The address that was checked, by number: asking for the name again could lead elsewhere. TLS still checks the name.
    client = httpx.Client(follow_redirects=False, trust_env=False, timeout=TIMEOUT_S)
    patience = threading.Timer(DELIVERY_S, client.close)
    patience.start()
    try:
        with (
            client,
            client.stream(
                "POST",
                f"{to.scheme}://{address}:{to.port}{to.path}",
                content=body,
                headers=headers,
                extensions={"sni_hostname": to.host},
            ) as response,
        ):
            # What it says besides is not read: it could be endless.
            return Outcome(response.status_code)
    except (httpx.HTTPError, httpx.InvalidURL, UnicodeError, OSError, RuntimeError) as error:
        return Outcome(None, type(error).__name__)
    finally:
        patience.cancel()


def _note(delivery: WebhookDelivery, outcome: Outcome) -> None:
    attempts, now = delivery.attempts, timezone.now()
    due_at = None
    if not outcome.is_delivered() and attempts < ATTEMPTS_MAX:
        due_at = now + timedelta(seconds=pause_s(attempts, PAUSE_FIRST_S))
    WebhookDelivery.objects.filter(pk=delivery.pk).update(
        due_at=due_at,
        leased_until=None,
        delivered_at=now if outcome.is_delivered() else None,
        last_status=outcome.status,
        last_error=outcome.error[:500],
    )


def _mac(secret: str, body: bytes, at: int) -> str:
    return hmac.new(secret.encode(), f"{at}.".encode() + body, hashlib.sha256).hexdigest()


# Locks: the due rows, for the statement, skipping those that another process takes. Expected row count: up to the limit.
_LEASE = """
WITH due AS (
    SELECT id FROM mutoscope_solana_webhookdelivery
    WHERE due_at <= clock_timestamp() AND (leased_until IS NULL OR leased_until < clock_timestamp())
    ORDER BY due_at, id LIMIT %(limit)s FOR UPDATE SKIP LOCKED
)
UPDATE mutoscope_solana_webhookdelivery AS delivery
SET leased_until = clock_timestamp() + make_interval(secs => %(lease_s)s), attempts = delivery.attempts + 1
FROM due WHERE delivery.id = due.id
RETURNING delivery.id
"""

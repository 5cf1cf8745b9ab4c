"""Writing events, in the transaction of what they tell of."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from mutoscope.engines.solana.outbox.models import Event


@dataclass(frozen=True)
class News:
    """One event to be. The same key again is the same event, and is not told again."""

    key: str
    name: str
    payment_id: int | None
    payload: Mapping[str, Any] = field(default_factory=dict)


def write(news: Iterable[News]) -> None:
    """Write events. Call it in the transaction that makes them true."""
    # In one order, so that two writers of the same keys wait for each other and do not lock each other out.
    rows = [
        Event(key=each.key, name=each.name, payment_id=each.payment_id, payload=dict(each.payload))
        for each in sorted(news, key=lambda each: each.key)
    ]
    if rows:
        Event.objects.bulk_create(rows, ignore_conflicts=True)

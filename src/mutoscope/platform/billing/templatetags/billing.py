"""How amounts and times of this context read: `{{ cents|usd }}`, `{{ until|time_left }}`."""

from __future__ import annotations

from datetime import datetime

from django import template
from django.utils import timezone

register = template.Library()

MINUTE_S, HOUR_S, DAY_S = 60, 3600, 86_400


@register.filter
def usd(cents: int) -> str:
    """US cents as people write dollars: `$4.99`."""
    return f"${cents // 100:,}.{cents % 100:02}"


@register.filter
def time_left(until: datetime | None) -> str:
    """How long is left, in the one unit that matters: `22 h`, `3 days`; `for ever` without an end."""
    if until is None:
        return "for ever"
    left_s = int((until - timezone.now()).total_seconds())
    if left_s >= 2 * DAY_S:
        return f"{left_s // DAY_S} days"
    if left_s >= HOUR_S:
        return f"{left_s // HOUR_S} h"
    return f"{max(left_s, 0) // MINUTE_S} min"

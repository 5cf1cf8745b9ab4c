"""How amounts and moments of this context read: `{{ cents|usd }}`, `{{ moment|time_left }}`, `{{ moment|moment }}`."""

from __future__ import annotations

from datetime import datetime

from django import template
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString

register = template.Library()

MONTHS = (
    "January", "February", "March", "April", "May", "June",
    "July", "August", "September", "October", "November", "December",
)  # fmt: skip
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


@register.filter
def moment(when: datetime) -> SafeString:
    """A moment, with the exact time on hover: `21 December, 20:14`."""
    # Not by Django's date_format, which is six times as long at it: a page of a history has fifty of them. Where a column is
    # narrow the time goes below the day, and neither is taken apart.
    local = timezone.localtime(when)
    day, year = f"{local.day}\u00a0{MONTHS[local.month - 1]}", f"\u00a0{local.year}"
    clock = f"{local.hour:02}:{local.minute:02}"
    words = day + ("" if local.year == datetime.now(local.tzinfo).year else year) + ", " + clock
    exact = f"{day}{year}, {clock}:{local.second:02} {local.tzname()}"
    return format_html('<time datetime="{}" title="{}">{}</time>', local.isoformat(), exact, words)

"""How moments read: `{{ until|moment }}`, `{{ published_at|ago }}`, `{{ at|moment_utc }}`, `{{ day|day_utc }}`.

The server knows no visitor's time zone, so it writes UTC and says so; site.js puts the visitor's own time in its place.
"""

from __future__ import annotations

from datetime import UTC, date, datetime

from django import template
from django.contrib.humanize.templatetags.humanize import naturaltime
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe

register = template.Library()

MONTHS = (
    "January", "February", "March", "April", "May", "June",
    "July", "August", "September", "October", "November", "December",
)  # fmt: skip


@register.filter
def moment(when: datetime) -> SafeString:
    """A moment, exact on hover: `21 December, 20:14 UTC`, and in the visitor's own time where scripts run."""
    return _drawn(when, " data-moment")


@register.filter
def moment_utc(when: datetime) -> SafeString:
    """A moment that stays in UTC, for papers whose months begin and end by it: `21 December, 20:14 UTC`."""
    return _drawn(when, "")


@register.filter
def day_utc(day: date) -> str:
    """A day that begins and ends in UTC, wherever the visitor is: `21 December UTC`."""
    return f"{_day(day)} UTC"


@register.filter
def ago(when: datetime) -> SafeString:
    """How long ago, in its largest unit, with the moment on hover: `3 hours ago`."""
    when = when.astimezone(UTC)
    largest, *smaller = naturaltime(when).split(", ")
    words = f"{largest} ago" if smaller else largest
    return format_html(
        '<time datetime="{}" title="{}" data-moment="ago">{}</time>', when.isoformat(), _exact(when), words
    )


def _drawn(when: datetime, attribute: str) -> SafeString:
    # Not by Django's date_format, which is six times as long at it: a page of a history has fifty of them. Where a column is
    # narrow the time goes below the day, and neither is taken apart.
    when = when.astimezone(UTC)
    words = f"{_day(when)}, {when.hour:02}:{when.minute:02}\u00a0UTC"
    # Digits and our own words only, so there is nothing to escape.
    return mark_safe(f'<time datetime="{when.isoformat()}" title="{_exact(when)}"{attribute}>{words}</time>')  # noqa: S308


def _day(day: date) -> str:
    year = "" if day.year == datetime.now(UTC).year else f"\u00a0{day.year}"
    return f"{day.day}\u00a0{MONTHS[day.month - 1]}{year}"


def _exact(when: datetime) -> str:
    return f"{when.day}\u00a0{MONTHS[when.month - 1]}\u00a0{when.year}, {when.hour:02}:{when.minute:02}:{when.second:02} UTC"

"""Tags of the operator's pages."""

from __future__ import annotations

from typing import Any

from django import template

from mutoscope.web.operator_empty import NOTHING, Nothing

register = template.Library()


@register.simple_tag
def nothing_listed(changelist: Any) -> Nothing:
    """What to say where this list of the admin has no rows."""
    return NOTHING.get(changelist.opts.label, Nothing("There is nothing here yet."))

"""What every page's template knows without its view saying so."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject

import mutoscope
from mutoscope.platform.accounts.public import Person, channel_of
from mutoscope.platform.support.public import outbox_is_open


def site(request: HttpRequest) -> dict[str, Any]:
    """Lazy where it costs a query: a page that does not show the menu does not pay for it."""
    user = getattr(request, "user", None)
    return {
        "site_name": "Mutoscope",
        "version": mutoscope.__version__,
        "is_sandbox": settings.SANDBOX,
        "csrf_cookie_name": settings.CSRF_COOKIE_NAME,
        "dev_outbox_is_open": outbox_is_open(request),
        "my_channel": SimpleLazyObject(lambda: channel_of(user)) if isinstance(user, Person) else None,
    }

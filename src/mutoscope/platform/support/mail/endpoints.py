"""The developer's outbox: mail of a sandbox, readable in the browser instead of leaving the machine."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable
from functools import wraps
from typing import Concatenate, ParamSpec, cast

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from mutoscope.platform.support.models import Mail

SHOWN_MAX = 100
P = ParamSpec("P")
View = Callable[Concatenate[HttpRequest, P], HttpResponse]


def outbox_is_open(request: HttpRequest) -> bool:
    """Whether this request may read mail: in a sandbox that sends none, from this machine itself, and not forwarded.

    The mails hold links that sign people in, so a sandbox that was put behind a proxy does not show them to the world.
    """
    if not settings.SANDBOX or settings.MAIL_URL is not None:
        return False
    # Noted by the site's outermost middleware, which then takes the headers themselves away.
    if request.META.get("mutoscope.forwarded", False):
        return False
    try:
        return ipaddress.ip_address(request.META.get("REMOTE_ADDR", "")).is_loopback
    except ValueError:
        return False


def developers_only(view: View[P]) -> View[P]:
    @never_cache
    @require_safe
    @wraps(view)
    def guarded(request: HttpRequest, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
        if not outbox_is_open(request):
            raise Http404
        return view(request, *args, **kwargs)

    return cast("View[P]", guarded)


@developers_only
def outbox(request: HttpRequest) -> HttpResponse:
    mails = Mail.objects.defer("message", "text")[:SHOWN_MAX]
    return render(request, "support/mail/outbox.html", {"mails": mails})


@developers_only
def message(request: HttpRequest, number: int) -> HttpResponse:
    mail = get_object_or_404(Mail.objects.defer("message"), pk=number)
    return render(request, "support/mail/message.html", {"mail": mail})

"""Who looks after this machine asks at 127.0.0.1, where the site's name is not known."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import urlsplit

from django.conf import settings
from django.http import HttpRequest, HttpResponse

from mutoscope.web.client_address import is_from_this_machine

PROBED = frozenset({"/livez", "/readyz", "/metrics"})
# Names that nobody else can have: a page of a stranger's, whose name leads here, is still refused.
THIS_MACHINE = frozenset({"127.0.0.1", "localhost", "::1"})

GetResponse = Callable[[HttpRequest], HttpResponse]


class ProbeMiddleware:
    """Lets this machine itself ask how the site is by its own address. Who may read what is decided as ever."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.path_info in PROBED and is_from_this_machine(request) and _names_this_machine(request):
            request.META["HTTP_HOST"] = urlsplit(settings.SITE_URL).netloc
        return self.get_response(request)


def _names_this_machine(request: HttpRequest) -> bool:
    try:
        return urlsplit(f"//{request.META.get('HTTP_HOST', '')}").hostname in THIS_MACHINE
    except ValueError:
        return False

"""Who is asking, when reverse proxies stand in between."""

from __future__ import annotations

from collections.abc import Callable
from ipaddress import ip_address

from django.conf import settings
from django.http import HttpRequest, HttpResponse

FORWARDING_HEADERS = (
    "HTTP_X_FORWARDED_FOR", "HTTP_X_FORWARDED_HOST", "HTTP_X_FORWARDED_PROTO", "HTTP_FORWARDED", "HTTP_X_REAL_IP", "HTTP_VIA",
)  # fmt: skip
FORWARDED = "mutoscope.forwarded"

GetResponse = Callable[[HttpRequest], HttpResponse]


class ClientAddressMiddleware:
    """Sets REMOTE_ADDR to the client's address as the outermost of our own proxies saw it.

    Each proxy appends the address that it saw, so with N proxies of ours the client is the Nth from the right; whatever
    stands left of that, the client wrote itself. Without proxies of ours the header is dropped, so that nothing behind
    here can be fooled by it.
    """

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        request.META[FORWARDED] = any(name in request.META for name in FORWARDING_HEADERS)
        trusted: int = settings.ENVIRONMENT.trusted_proxies
        chain = [part.strip() for part in request.META.pop("HTTP_X_FORWARDED_FOR", "").split(",") if part.strip()]
        if trusted and len(chain) >= trusted and (address := _address(chain[-trusted])):
            request.META["REMOTE_ADDR"] = address
        return self.get_response(request)


def is_from_this_machine(request: HttpRequest) -> bool:
    """Whether a person at this very machine asks. Behind a proxy or a tunnel that runs here, everyone seems to; hence
    anything that was forwarded counts as coming from elsewhere."""
    address = _address(request.META.get("REMOTE_ADDR", ""))
    return address is not None and ip_address(address).is_loopback and not request.META.get(FORWARDED, False)


def _address(text: str) -> str | None:
    try:
        return str(ip_address(text))
    except ValueError:
        return None

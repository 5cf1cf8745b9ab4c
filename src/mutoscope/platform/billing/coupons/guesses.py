"""How many codes that do not count one address may try: short words in turn would find a creator's private code."""

from __future__ import annotations

import contextlib
import ipaddress
import time
from collections.abc import Iterator

from django.core.cache import cache
from django.http import HttpRequest

from mutoscope.platform.billing.failures import BadCoupon

# Typing errors and old links of a whole office fit in, a list of words does not.
WRONG_MAX = 20
WINDOW_S = 600
TOO_MANY = "Too many codes were tried from here. Try yours again in ten minutes."


def may_try(request: HttpRequest) -> bool:
    """Whether a code may be looked up for whoever asks."""
    wrong: int = cache.get(_key(request), 0)
    return wrong < WRONG_MAX


def count_wrong(request: HttpRequest) -> None:
    """A code that did not count. Two at once may be counted as one."""
    key = _key(request)
    cache.set(key, cache.get(key, 0) + 1, WINDOW_S)


@contextlib.contextmanager
def codes_bounded(request: HttpRequest, code: str | None) -> Iterator[None]:
    """Refuse a code after too many that did not count, and count this one if it does not. Raises BadCoupon."""
    if code and not may_try(request):
        raise BadCoupon(why=TOO_MANY)
    try:
        yield
    except BadCoupon:
        count_wrong(request)
        raise


def _key(request: HttpRequest) -> str:
    # web/client_address.py has seen to the proxies. Of an IPv6 network everybody has as many addresses as they like.
    address = request.META.get("REMOTE_ADDR", "")
    try:
        version = ipaddress.ip_address(address).version
    except ValueError:
        version = 4
    place = str(ipaddress.ip_network(f"{address}/64", strict=False)) if version == 6 else address
    return f"wrong-codes:{place}:{int(time.time()) // WINDOW_S}"

"""How many codes that do not count one address may try: short words in turn would find a creator's private code."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from django.http import HttpRequest

from mutoscope.platform.billing.failures import BadCoupon
from mutoscope.platform.billing.pace import Pace, place_of

# Typing errors and old links of a whole office fit in, a list of words does not.
WRONG_MAX = 20
PACE = Pace("wrong-codes", WRONG_MAX, window_s=600)
TOO_MANY = "Too many codes were tried from here. Try yours again in ten minutes."


def may_try(request: HttpRequest) -> bool:
    """Whether a code may be looked up for whoever asks."""
    return PACE.wait_s(place_of(request)) == 0


def count_wrong(request: HttpRequest) -> None:
    """A code that did not count."""
    PACE.count(place_of(request))


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

"""Who may see a payment: its owner, and whoever holds its token."""

from __future__ import annotations

from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest
from django.utils.crypto import constant_time_compare, salted_hmac
from django.utils.module_loading import import_string

from mutoscope.engines.solana.conf import configuration
from mutoscope.engines.solana.payments.abstract import AbstractPayment

# In a header and not in the address: addresses end up in logs and histories.
HEADER = "Payment-Token"
_SALT = "mutoscope_solana.payment_token"


def token_of(payment: AbstractPayment) -> str:
    """What shows this one payment to whoever has it, and nothing else: 256 bits from the site's secret key, in hex."""
    return _token(payment.public_id, settings.SECRET_KEY)


def owner_ref_of(request: HttpRequest) -> str:
    """Who asks, as payments remember it; empty for a guest."""
    user = getattr(request, "user", None)
    return str(user.pk) if user is not None and user.is_authenticated else ""


def may_see(request: HttpRequest, payment: AbstractPayment) -> bool:
    """Whether the request shows the payment's token, comes from its owner, or from whom the project's MAY_SEE lets."""
    if shown := request.headers.get(HEADER, ""):
        keys = [settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS]
        # All of them, whichever fits: the time tells nothing.
        if any([constant_time_compare(shown, _token(payment.public_id, key)) for key in keys]):  # noqa: C419
            return True
    if configuration().may_see:
        lets: Callable[[HttpRequest, AbstractPayment], bool] = import_string(configuration().may_see)
        return lets(request, payment) is True
    owner = owner_ref_of(request)
    return owner != "" and owner == payment.owner_ref


def _token(public_id: str, key: str) -> str:
    return salted_hmac(_SALT, public_id, secret=key, algorithm="sha256").hexdigest()

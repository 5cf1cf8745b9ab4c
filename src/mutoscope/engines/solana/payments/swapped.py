"""The payment and token models in use: the app's own, or those a project brought."""

from __future__ import annotations

from typing import Any

from django.apps import apps

from mutoscope.engines.solana.conf import payment_model_name, token_model_name


def payment_model() -> Any:
    """The payment model: a concrete subclass of AbstractPayment."""
    return apps.get_model(payment_model_name(), require_ready=False)


def token_model() -> Any:
    """The token model: a concrete subclass of AbstractToken."""
    return apps.get_model(token_model_name(), require_ready=False)

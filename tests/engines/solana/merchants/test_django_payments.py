"""The provider for django-payments: the order's amount, and nothing that a request says."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from django.test import RequestFactory, override_settings

from mutoscope.engines.solana.outbox.telling import tell_due
from tests.engines.solana.payments.shop import SOL, USDC, Shop

# Few: Django calls each app's ready() again.
APPS = ["django.contrib.contenttypes", "django.contrib.staticfiles", "mutoscope.engines.solana"]
STORE = "tests.engines.solana.merchants.store"


@pytest.fixture
def order(selling: Shop) -> Iterator[Any]:

    provider = "mutoscope.engines.solana.integrations.django_payments.SolanaProvider"
    host = override_settings(
        PAYMENT_HOST="shop.example",
        PAYMENT_MODEL="store.Order",
        PAYMENT_VARIANTS={"solana": (provider, {"par": {"USD": [USDC]}, "receive_by": "wallet"})},
        ROOT_URLCONF=f"{__package__}.store.urls",
    )
    # The apps second: django-payments reads the other settings while it is imported.
    with host, override_settings(INSTALLED_APPS=[*APPS, STORE]):
        from django.apps import apps

        model = apps.get_model("store", "Order")
        with connection.schema_editor() as editor:
            editor.create_model(model)
        yield model.objects.create(variant="solana", currency="USD", total=Decimal("5000.00"))


def provider(order: Any) -> Any:
    from payments.core import provider_factory

    return provider_factory(order.variant, order)


def test_the_amount_charged_is_the_orders(order: Any, selling: Shop) -> None:
    asked = provider(order).payment_of(order)
    assert [(price.token.symbol, price.amount) for price in asked.prices.all()] == [("USDC", 5_000_000_000)]
    assert provider(order).payment_of(order) == asked
    assert "5000 USDC" in str(order.get_form())
    assert order.status == "input"
    order.total = Decimal("1.00")
    from payments import PaymentError

    with pytest.raises(PaymentError, match="changed"):
        provider(order).payment_of(order)


def test_a_request_is_believed_in_nothing(order: Any, selling: Shop, rf: RequestFactory) -> None:
    provider(order).payment_of(order)
    asked = rf.get("/?status=confirmed&metadata=x&total=1&verification_result=confirmed")
    assert provider(order).process_data(order, asked).status_code == 409
    order.refresh_from_db()
    assert (order.status, order.captured_amount, order.extra_data) == ("waiting", 0, "")


def test_it_is_confirmed_once_when_settled_even_if_nobody_comes_back(
    order: Any, selling: Shop, rf: RequestFactory
) -> None:
    from mutoscope.engines.solana.chain import TEST_USDC

    selling.chain.give(selling.payer.pubkey(), 6_000_000_000)
    asked = provider(order).payment_of(order)
    signature = selling.pay(asked, 5_000_000_000, TEST_USDC)
    selling.look()
    tell_due()
    order.refresh_from_db()
    assert (order.status, order.captured_amount) == ("confirmed", Decimal("5000.00"))
    assert order.transaction_id == str(signature)
    assert provider(order).process_data(order, rf.get("/")).status_code == 302


def test_sol_for_a_currency_without_a_rate_is_refused(order: Any, selling: Shop) -> None:
    from payments import PaymentError

    order.currency = "EUR"
    with pytest.raises(PaymentError, match="EUR"):
        provider(order).payment_of(order)
    assert SOL == ""

"""`python -m tests.engines.solana.host.journey`: an empty database, migrated; payments of the project's own models, end to end."""

# Django has to be set up before its models are imported.
# ruff: noqa: E402

from __future__ import annotations

import os
import sys
from typing import Any

import django

django.setup()

from django.apps import apps
from django.core.management import call_command
from django.db import connection
from django.test import Client

from mutoscope.engines.solana.chain import TEST_USDC
from mutoscope.engines.solana.endpoints import token_of
from mutoscope.engines.solana.models import StraySearch
from mutoscope.engines.solana.outbox import signals
from mutoscope.engines.solana.outbox.telling import tell_due
from mutoscope.engines.solana.payments.domain.states import Money, Status
from mutoscope.engines.solana.public import payment_model, token_model
from tests.engines.solana.host.store.models import Coin, OrderPayment
from tests.engines.solana.payments.shop import SOL, USDC, open_shop

# Not as the type, which the checker knows only of the site's own apps.
Order: Any = apps.get_model("store", "Order")


def fulfil(payment: Any, **_: Any) -> None:
    assert type(payment) is OrderPayment
    Order.objects.filter(pk=payment.order_id).update(paid=True)


def main() -> None:
    call_command("check")
    # The project's migrations are its own, and the app's ask for none in the project's name.
    call_command("makemigrations", check=True, dry_run=True, verbosity=0)
    call_command("migrate", verbosity=0)
    brings_both = os.environ["HOST_BRINGS"] == "both"
    assert payment_model() is OrderPayment
    assert (token_model() is Coin) is brings_both
    tables = set(connection.introspection.table_names())
    assert "store_orderpayment" in tables
    assert "mutoscope_solana_payment" not in tables
    assert ("mutoscope_solana_token" not in tables) is brings_both
    signals.settled.connect(fulfil)
    with open_shop() as shop:
        if brings_both:
            token_model().objects.update(logo="coin.svg")
        orders = [Order.objects.create() for _ in range(4)]
        by_wallet, by_reference, unpaid, over = (
            shop.offer({SOL: 10_000_000, USDC: 1_000_000}, by, order=order, owner_ref="7")
            for by, order in zip(("wallet", "reference", "wallet", "reference"), orders, strict=True)
        )
        shop.pay(by_wallet, 1_000_000, TEST_USDC)
        shop.pay(by_reference, 10_000_000)
        shop.pay(over, 11_000_000)
        shop.let_time_pass(unpaid)
        StraySearch.objects.update(due_at=unpaid.expires_at)
        shop.look()
        tell_due()
        assert shop.stands(by_wallet) == shop.stands(by_reference) == (Status.SETTLED, Money.EXACT)
        assert shop.stands(over) == (Status.SETTLED, Money.OVER)
        assert shop.stands(unpaid) == (Status.EXPIRED, Money.NOTHING)
        assert [order.paid for order in Order.objects.order_by("pk")] == [True, True, False, True]
        assert shop.watcher.audit() == []
        seen = (
            Client().get(f"/pay/payments/{by_wallet.public_id}/", headers={"Payment-Token": token_of(by_wallet)}).json()
        )
        assert (seen["status"], seen["paid_in"], seen["signature"]) == ("settled", USDC, by_wallet.signature)
        root = apps.get_model("auth", "User").objects.create_superuser("root")
        client = Client()
        client.force_login(root)
        page = client.get(f"/admin/store/orderpayment/{by_wallet.pk}/change/").content.decode()
        assert by_wallet.signature in page
        assert client.get("/admin/store/orderpayment/").status_code == 200
        token = "store/coin" if brings_both else "mutoscope_solana/token"
        assert client.get(f"/admin/{token}/").status_code == 200


if __name__ == "__main__":
    main()
    sys.stdout.flush()
    # Not by the interpreter's own end: a thread of the chain's web server that wants the interpreter once more while that ends
    # would abort the process.
    os._exit(0)

"""What an operator types."""

from __future__ import annotations

import io
from collections.abc import Iterator

import pytest
from django.core.management import CommandError, call_command

from mutoscope.engines.solana.payments.domain.states import Money, Status
from mutoscope.engines.solana.rpc.client import forget_default_rpc
from tests.engines.solana.payments.shop import SOL, Shop


@pytest.fixture(autouse=True)
def own_client(shop: Shop) -> Iterator[None]:
    forget_default_rpc()
    yield
    forget_default_rpc()


def run(*words: str) -> str:
    out = io.StringIO()
    call_command(*words, stdout=out, no_color=True)
    return out.getvalue()


def test_watch_recheck_audit_expire_and_doctor(shop: Shop) -> None:
    payment = shop.offer({SOL: 10_000_000})
    assert "accounts looked at" in run("solana_watch", "--once")
    shop.pay(payment, 10_000_000)
    shop.chain.finalize()
    assert "settled, exact" in run("solana", "recheck", payment.public_id)
    assert shop.stands(payment) == (Status.SETTLED, Money.EXACT)
    assert run("solana", "audit") == "every balance is explained\n"
    assert run("solana", "expire") == "0 expired\n"
    assert "all is well" in run("solana", "doctor")
    with pytest.raises(CommandError, match="no such payment"):
        run("solana", "recheck", "nothing")

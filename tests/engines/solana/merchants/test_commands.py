"""Sweep and reclaim by hand; every name that docs/solana.md promises."""

from __future__ import annotations

import io

import pytest
from django.core.management import CommandError, call_command

from mutoscope.engines.solana.management.commands.solana import Command
from mutoscope.engines.solana.models import SignerJob, Wallet, WatchedAccount
from tests.engines.solana.payments.shop import SOL, USDC, Shop


def run(*words: str) -> str:
    out = io.StringIO()
    call_command("solana", *words, stdout=out, no_color=True)
    return out.getvalue()


def test_each_promised_command_is_there() -> None:
    text = Command().create_parser("manage.py", "solana").format_help()
    for name in ("recheck", "sweep", "reclaim", "expire", "rotate-keys", "audit", "doctor"):
        assert f"    {name} " in text or f"    {name}\n" in text, name


def test_sweep_and_reclaim_ask_the_signer_once(shop: Shop) -> None:
    payment, waiting = shop.offer({SOL: 500_000_000, USDC: 1}), shop.offer({SOL: 500_000_000})
    for index, each in enumerate((payment, waiting)):
        Wallet.objects.create(epoch=1, index=index, address=each.recipient)
    shop.pay(payment, 500_000_000)
    shop.pay(waiting, 1_000_000)
    shop.look()
    assert run("sweep").startswith("1 sweeps")
    assert run("sweep", payment.public_id).startswith("1 sweeps")
    assert run("sweep", waiting.public_id).startswith("0 sweeps")
    job = SignerJob.objects.get()
    assert (job.kind, job.wallet.address if job.wallet else "", job.mint) == ("sweep", payment.recipient, SOL)
    # Its token account never existed: nothing to reclaim. As if it had been used and emptied:
    assert run("reclaim").startswith("0 reclaims")
    WatchedAccount.objects.filter(payment=payment, token=shop.usdc).update(until_signature="1" * 64)
    assert run("reclaim").startswith("1 reclaims")
    with pytest.raises(CommandError, match="no such payment"):
        run("sweep", "nothing")

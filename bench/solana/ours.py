"""Our side, driven by lines on standard input: `create WAY N`, `crowd N`, `check`, `forget`. Answers are lines of JSON."""

# Django has to be set up before its models are imported.
# ruff: noqa: E402

from __future__ import annotations

import json
import os
import resource
import secrets
import sys
import time
from datetime import timedelta
from typing import Any

os.environ["DJANGO_SETTINGS_MODULE"] = "bench.solana.settings"

import django

django.setup()

from django.core.management import call_command
from django.utils import timezone
from solders.keypair import Keypair
from solders.pubkey import Pubkey

from mutoscope.engines.solana import public
from mutoscope.engines.solana.models import Price, StraySearch, WatchedAccount
from mutoscope.engines.solana.watcher.watcher import Watcher

LAMPORTS, USDC_UNITS = 10_000_000, 1_000_000
MADE_AT_ONCE = 2_000


def claim(_: str) -> str:
    return str(Keypair().pubkey())


def create(way: str, number: int) -> list[dict[str, Any]]:
    prices = {"": LAMPORTS, os.environ["BENCH_MINT"]: USDC_UNITS}
    payments = [public.create_payment(prices, receive_by=way, expires_after_s=24 * 3600) for _ in range(number)]
    return [{"address": payment.recipient, "reference": payment.reference} for payment in payments]


def crowd(number: int) -> None:
    """So many pending payments by wallet, with the rows that `create_payment` writes for each, and the watcher reads."""
    prices = {"": LAMPORTS, os.environ["BENCH_MINT"]: USDC_UNITS}
    tokens = [(token, prices[token.mint]) for token in public.token_model().objects.all()]
    now = timezone.now()
    model = public.payment_model()
    for start in range(0, number, MADE_AT_ONCE):
        rows = [
            model(receives_by="wallet", recipient=_address(), created_at=now, expires_at=now + timedelta(days=1))
            for _ in range(min(MADE_AT_ONCE, number - start))
        ]
        payments = model.objects.bulk_create(rows)
        Price.objects.bulk_create(
            Price(payment=payment, token=token, amount=amount) for payment in payments for token, amount in tokens
        )
        WatchedAccount.objects.bulk_create(
            WatchedAccount(
                # Nobody derived the tokens' accounts; a node is asked for them all the same.
                address=_address() if token.mint else payment.recipient,
                owner=payment.recipient,
                token=token,
                kind=WatchedAccount.Kind.ONE_TIME,
                payment=payment,
                opening=0,
                since=now,
            )
            for payment in payments
            for token, _ in tokens
        )
        StraySearch.objects.bulk_create(StraySearch(payment=payment, due_at=payment.expires_at) for payment in payments)


def _address() -> str:
    return str(Pubkey(secrets.token_bytes(32)))


def check(watcher: Watcher) -> float:
    # Everything due, as if the pause since the last look were over.
    WatchedAccount.objects.filter(next_look_at__isnull=False).update(next_look_at="2020-01-01T00:00:00Z")
    began = time.perf_counter()
    watcher.look()
    return time.perf_counter() - began


def settled() -> int:
    return int(public.payment_model().objects.filter(status="settled").count())


def main() -> None:
    call_command("migrate", verbosity=0)
    tokens = public.token_model().objects
    tokens.get_or_create(symbol="SOL", decimals=9)
    with Watcher() as watcher:
        if not tokens.filter(symbol="USDC").exists():
            public.accept_token("USDC", os.environ["BENCH_MINT"], rpc=watcher.rpc)
        for line in sys.stdin:
            what, *arguments = line.split()
            answer: Any = None
            if what == "create":
                began = time.perf_counter()
                made = create(arguments[0], int(arguments[1]))
                answer = {"made": made, "seconds": time.perf_counter() - began}
            elif what == "crowd":
                crowd(int(arguments[0]))
                answer = {}
            elif what == "check":
                answer = {"seconds": check(watcher), "settled": settled()}
            elif what == "memory":
                # Kibibytes on Linux: the most that this process ever held.
                answer = {"peak_kib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss}
            elif what == "forget":
                WatchedAccount.objects.filter(kind="one_time").update(next_look_at=None)
                public.payment_model().objects.filter(status="waiting").update(
                    status="expired", expired_at="2030-01-01T00:00:00Z"
                )
                answer = {}
            print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()

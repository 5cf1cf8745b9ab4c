"""Our side, driven by lines on standard input: `create WAY N`, `check`, `settled`. Answers are lines of JSON."""

# Django has to be set up before its models are imported.
# ruff: noqa: E402

from __future__ import annotations

import json
import os
import sys
import time
from typing import Any

os.environ["DJANGO_SETTINGS_MODULE"] = "bench.solana.settings"

import django

django.setup()

from django.core.management import call_command
from solders.keypair import Keypair

from mutoscope.engines.solana import public
from mutoscope.engines.solana.models import WatchedAccount
from mutoscope.engines.solana.watcher.watcher import Watcher

LAMPORTS, USDC_UNITS = 10_000_000, 1_000_000


def claim(_: str) -> str:
    return str(Keypair().pubkey())


def create(way: str, number: int) -> list[dict[str, Any]]:
    prices = {"": LAMPORTS, os.environ["BENCH_MINT"]: USDC_UNITS}
    payments = [public.create_payment(prices, receive_by=way, expires_after_s=24 * 3600) for _ in range(number)]
    return [{"address": payment.recipient, "reference": payment.reference} for payment in payments]


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
    tokens.create(symbol="SOL", decimals=9)
    with Watcher() as watcher:
        public.accept_token("USDC", os.environ["BENCH_MINT"], rpc=watcher.rpc)
        for line in sys.stdin:
            what, *arguments = line.split()
            answer: Any = None
            if what == "create":
                began = time.perf_counter()
                made = create(arguments[0], int(arguments[1]))
                answer = {"made": made, "seconds": time.perf_counter() - began}
            elif what == "check":
                answer = {"seconds": check(watcher), "settled": settled()}
            elif what == "forget":
                WatchedAccount.objects.filter(kind="one_time").update(next_look_at=None)
                public.payment_model().objects.filter(status="waiting").update(
                    status="expired", expired_at="2030-01-01T00:00:00Z"
                )
                answer = {}
            print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()

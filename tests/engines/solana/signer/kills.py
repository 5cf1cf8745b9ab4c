"""`python -m tests.engines.solana.signer.kills ROUNDS SEED`: a payout or a sweep a round, and a signer that is killed somewhere in it.

The signer is a forked process that kills itself, by SIGKILL, before or after its n-th statement, call to the node, or line of the journal.
Prints one JSON object: how many were killed, and where.
"""

from __future__ import annotations

import json
import os
import random
import signal
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import django

TURNS_MAX = 12
POINTS = 45


def main() -> None:
    rounds, seed = int(sys.argv[1]), int(sys.argv[2])
    django.setup()
    from django.conf import settings

    from mutoscope.engines.solana.signer.configuration import read_configuration

    configuration = read_configuration(Path(settings.SOLANA_SIGNER_CONFIGURATION))
    chooser = random.Random(seed)
    killed: Counter[str] = Counter()
    for number in range(rounds):
        _ask(number)
        where = _run_and_kill(configuration, chooser.randrange(POINTS * 2))
        killed[where] += 1
    _finish(configuration)
    sys.stdout.write(json.dumps({"killed": sum(killed.values()) - killed["survived"], "where": killed}) + "\n")


def _ask(number: int) -> None:
    """One more payout, or one more sweep of a wallet that was filled beforehand."""
    from solders.keypair import Keypair

    from mutoscope.engines.solana.signer.requests import request_payout, request_sweep
    from mutoscope.engines.solana.wallets.models import Wallet

    wallet = Wallet.objects.filter(reference=f"order-{number}").first()
    if wallet is not None:
        request_sweep(wallet, key=f"sweep-{number}")
        return
    creator = Keypair.from_seed(number.to_bytes(32, "big")).pubkey()
    request_payout(f"payout-{number}", destination=str(creator), amount=1_000_000 + number)


def _run_and_kill(configuration: Any, point: int) -> str:
    from django.db import connections

    connections.close_all()
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reading)
        try:
            _signer_that_dies(configuration, point, writing)
        finally:
            os._exit(0)
    os.close(writing)
    _, status = os.waitpid(child, 0)
    with os.fdopen(reading) as pipe:
        where = pipe.read()
    return where if os.WIFSIGNALED(status) else "survived"


def _signer_that_dies(configuration: Any, point: int, told: int) -> None:
    from mutoscope.engines.postgres.named_sql import SqlFile
    from mutoscope.engines.solana.signer.journal import Journal
    from mutoscope.engines.solana.signer.nodes import HttpNode, open_nodes
    from mutoscope.engines.solana.signer.process import TROUBLE, Signer

    passed = 0

    def dies(name: str, real: Callable[..., Any]) -> Callable[..., Any]:
        def called(*arguments: Any, **named: Any) -> Any:
            nonlocal passed
            detail = (
                f"{name} {next((each for each in arguments[1:] if isinstance(each, str) and each != 'default'), '')}"
            )
            if passed == point:
                os.write(told, f"before {detail}".encode())
                os.kill(os.getpid(), signal.SIGKILL)
            answer = real(*arguments, **named)
            if passed + 1 == point:
                os.write(told, f"after {detail}".encode())
                os.kill(os.getpid(), signal.SIGKILL)
            passed += 2
            return answer

        return called

    for place, name in ((SqlFile, "run"), (SqlFile, "fetch"), (HttpNode, "call"), (Journal, "record")):
        setattr(place, name, dies(f"{place.__name__}.{name}", getattr(place, name)))
    with open_nodes(configuration.rpc) as nodes:
        signer = Signer(configuration, nodes)
        for _ in range(TURNS_MAX):
            try:
                signer.tick()
            except TROUBLE:
                continue


def _finish(configuration: Any) -> None:
    """A signer that nobody kills, until every job is ended."""
    from mutoscope.engines.solana.signer.models import ENDED, SignerJob
    from mutoscope.engines.solana.signer.nodes import open_nodes
    from mutoscope.engines.solana.signer.process import TROUBLE, Signer

    deadline = time.monotonic() + 900
    with open_nodes(configuration.rpc) as nodes:
        signer = Signer(configuration, nodes)
        while SignerJob.objects.exclude(state__in=ENDED).exists():
            try:
                signer.tick()
            except TROUBLE:
                time.sleep(0.1)
            if time.monotonic() > deadline:
                raise SystemExit(f"jobs are left: {list(SignerJob.objects.exclude(state__in=ENDED).values())}")


if __name__ == "__main__":
    main()

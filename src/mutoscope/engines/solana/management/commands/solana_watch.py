"""`solana_watch`: look at the chain, record, tell and audit, until told to stop. Run as many as you like: one leads."""

from __future__ import annotations

import signal
import threading
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from mutoscope.engines.solana.management.sentences import in_a_sentence
from mutoscope.engines.solana.outbox.telling import tell_due
from mutoscope.engines.solana.outbox.webhooks import deliver_due
from mutoscope.engines.solana.signer.outbox import tell_jobs
from mutoscope.engines.solana.watcher.watcher import Watcher


class Command(BaseCommand):
    help = "Watch the chain for payments, until SIGTERM or Ctrl-C; with --once, for one look."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--once", action="store_true", help="one look, whoever leads; then tell what is due")

    def handle(self, *args: Any, **options: Any) -> None:
        with Watcher() as watcher:
            if options["once"]:
                with in_a_sentence():
                    look = watcher.look()
                    told, delivered = tell_due() + tell_jobs(), deliver_due()
                self.stdout.write(
                    f"{look.accounts} accounts looked at, {look.expired} payments expired, {told} events told, {delivered} webhooks delivered"
                )
                return
            stop = threading.Event()
            for number in (signal.SIGTERM, signal.SIGINT):
                signal.signal(number, lambda *_: stop.set())
            watcher.run(stop)

"""The watcher: looks, records, shows progress, lets payments expire, and audits. Many may run; one leads."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from types import TracebackType

from django.db import InterfaceError, OperationalError, close_old_connections

from mutoscope.engines.solana.conf import configuration
from mutoscope.engines.solana.outbox.telling import tell_due
from mutoscope.engines.solana.outbox.webhooks import deliver_due, is_in_transaction
from mutoscope.engines.solana.payments.assessing import show_progress
from mutoscope.engines.solana.payments.domain.deltas import Unreadable
from mutoscope.engines.solana.payments.domain.states import Status
from mutoscope.engines.solana.payments.ending import expire_due
from mutoscope.engines.solana.payments.tokens import check_tokens
from mutoscope.engines.solana.rpc.client import Rpc, default_rpc
from mutoscope.engines.solana.rpc.errors import RpcError
from mutoscope.engines.solana.signals import watcher_started
from mutoscope.engines.solana.signer.outbox import tell_jobs
from mutoscope.engines.solana.watcher.audit import Difference, audit
from mutoscope.engines.solana.watcher.leading import Leadership
from mutoscope.engines.solana.watcher.looking import Looker, Progress, still_pending
from mutoscope.engines.solana.watcher.searching import search_due, search_own

log = logging.getLogger(__name__)

# Questions at a time: enough to hide a node's distance, few enough for its limits.
THREADS = 8


@dataclass(frozen=True)
class Look:
    """What one look did: accounts looked at, and payments called expired."""

    accounts: int
    expired: int


class Watcher:
    """Looks at the chain for one database. Not thread-safe; use it as a context, which ends its threads."""

    def __init__(self, rpc: Rpc | None = None) -> None:
        self.rpc = rpc or default_rpc()
        self._pool = ThreadPoolExecutor(THREADS, thread_name_prefix="solana", initializer=None)
        self._looker = Looker(self.rpc, self._pool, configuration())
        self._leadership = Leadership()

    def __enter__(self) -> Watcher:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._pool.shutdown()

    def look(self) -> Look:
        """Look once at everything that is due. Raises RpcError or Unreadable when no node answers; nothing is lost then.

        Not to be called in a transaction: it asks nodes, which may take a while, and commits many times.
        """
        if is_in_transaction():
            raise RuntimeError("the watcher does not run in a transaction: it would hold locks while it asks nodes")
        progress = Progress()
        accounts = self._looker.receiving(progress)
        accounts += self._looker.wallets(progress)
        back = [payment for payment, status in progress.statuses.items() if status is Status.WAITING]
        for payment_id in still_pending(back) if back else ():
            del progress.statuses[payment_id]
        show_progress(progress.statuses)
        search_due(self.rpc, self._pool)
        return Look(accounts, expire_due())

    def audit(self, each_page: Callable[[], object] | None = None) -> list[Difference]:
        """Hold every token and every watched account against the chain. Returns the balances that no transaction explains.

        `each_page` is called after each hundred accounts: there may be many.
        """
        check_tokens(self.rpc)
        search_own(self.rpc, self._pool)
        return audit(self.rpc, self._pool, each_page)

    def run(self, stop: threading.Event) -> None:
        """Look, tell and audit until told to stop. Errors are logged and waited out."""
        configured = configuration()
        audited_at = time.monotonic()
        watcher_started.send(self)
        try:
            while not stop.is_set():
                began = time.monotonic()
                close_old_connections()
                try:
                    if self._leadership.take():
                        self.look()
                        if time.monotonic() - audited_at > configured.audit_every_s:
                            self.audit(self._leadership.take)
                            audited_at = time.monotonic()
                    tell_due()
                    tell_jobs()
                    deliver_due()
                except (RpcError, Unreadable) as problem:
                    log.warning(
                        "the chain does not answer, and no payment is seen meanwhile: %s",
                        problem,
                        extra={"action": "watcher_waits", "why": str(problem)},
                    )
                except (OperationalError, InterfaceError) as problem:
                    _tell_of_database(problem)
                except Exception as error:
                    log.exception("a look failed with %s", type(error).__name__, extra={"action": "watcher_failed"})
                stop.wait(max(0.0, configured.tick_s - (time.monotonic() - began)))
        finally:
            close_old_connections()
            try:
                self._leadership.give_up()
            except (OperationalError, InterfaceError) as problem:
                # The lease runs out by itself.
                _tell_of_database(problem)


def _tell_of_database(problem: Exception) -> None:
    """One line each time round: libpq's errors have several."""
    why = " ".join(str(problem).split())
    log.warning(
        "the database does not answer, and no payment is seen meanwhile: %s",
        why,
        extra={"action": "watcher_waits", "why": why},
    )

"""The signer's loop: follow what was sent, keep the pool full, take waiting jobs to the chain, say how it goes."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Sequence

from django.db import DEFAULT_DB_ALIAS, OperationalError, connections

from mutoscope.engines.postgres.named_sql import SqlFile
from mutoscope.engines.solana.keys import CannotOpen, KeySourceRefused
from mutoscope.engines.solana.signals import signer_started
from mutoscope.engines.solana.signer.chain import Chain, ChainUnavailable, Rpc
from mutoscope.engines.solana.signer.configuration import Configuration
from mutoscope.engines.solana.signer.dispatch import Dispatcher
from mutoscope.engines.solana.signer.follow import Follower
from mutoscope.engines.solana.signer.journal import Journal
from mutoscope.engines.solana.signer.seeds import Seeds, SeedsRefused
from mutoscope.engines.solana.signer.vault import KeyRing, VaultRefused

SQL = SqlFile("mutoscope.engines.solana", "signer/jobs.sql")
logger = logging.getLogger("mutoscope.solana.signer")

TROUBLE_WAIT_MAX_S = 30.0
TROUBLE = (ChainUnavailable, VaultRefused, KeySourceRefused, CannotOpen, SeedsRefused, OperationalError)


class WrongCluster(Exception):
    """The node belongs to another cluster than the configuration names."""


class Signer:
    """One signer of one database. `tick` is one turn of its loop, and safe to interrupt anywhere."""

    def __init__(self, configuration: Configuration, rpcs: Sequence[Rpc], using: str = DEFAULT_DB_ALIAS) -> None:
        self.configuration = configuration
        self.using = using
        self.chains = [Chain(rpc) for rpc in rpcs]
        self.journal = Journal(configuration.state)
        self.seeds = Seeds(KeyRing(configuration.key_encryption_keys), self.journal, using)
        self.follower = Follower(self.chains, using)
        self._dispatcher: Dispatcher | None = None
        self._trouble = ""
        self._reported_at = float("-inf")
        self._was_low = False

    def run(self, stopped: threading.Event) -> None:
        """Turn until stopped. Trouble is waited out, longer and longer; it is in the report and in the log."""
        delay_s = self.configuration.poll_s
        signer_started.send(self)
        while not stopped.is_set():
            try:
                busy = self.tick()
                delay_s = self.configuration.poll_s
                if busy:
                    continue
            except TROUBLE as error:
                self._tell_trouble(error)
                delay_s = min(max(delay_s, self.configuration.poll_s) * 2, TROUBLE_WAIT_MAX_S)
            stopped.wait(delay_s)

    def tick(self) -> bool:
        """One turn. Returns whether there may be more to do at once. Raises one of TROUBLE."""
        # Needs the seed and no chain, so it goes first: addresses are there while a node is down.
        added = self.seeds.fill_pool(self.configuration.pool_target)
        dispatcher = self._ready()
        moved = self.follower.run()
        sent = dispatcher.run()
        if self._trouble or time.monotonic() - self._reported_at >= self.configuration.report_s:
            self._report(dispatcher)
        return bool(added or moved or sent)

    def close(self) -> None:
        """Let go of the journal."""
        self.journal.close()

    def _ready(self) -> Dispatcher:
        """The dispatcher, once the cluster is known to be the right one."""
        if self._dispatcher is None:
            if self.configuration.genesis:
                for chain in self.chains:
                    genesis = chain.genesis()
                    if genesis != self.configuration.genesis:
                        raise WrongCluster(
                            f"The configuration wants the cluster {self.configuration.genesis}, and {chain.name} is of "
                            f"{genesis}: correct rpc or genesis."
                        )
            self._dispatcher = Dispatcher(self.configuration, self.chains[0], self.seeds, self.journal, self.using)
        return self._dispatcher

    def _report(self, dispatcher: Dispatcher) -> None:
        fee = dispatcher.operator.fee.address
        account = self.chains[0].accounts([fee], "confirmed")[fee]
        lamports = account.lamports if account else 0
        self._trouble, was_in_trouble = "", bool(self._trouble)
        self._write_report(fee, dispatcher.operator.payout.address, lamports)
        self._reported_at = time.monotonic()
        if was_in_trouble:
            logger.info("the signer works again", extra={"action": "signer.well_again"})
        is_low = lamports < self.configuration.fee_account_low_lamports
        if is_low and not self._was_low:
            logger.warning(
                "the fee account %s is low: %d lamports, where %d should be. Send it SOL",
                fee,
                lamports,
                self.configuration.fee_account_low_lamports,
                extra={"action": "signer.fee_account_low", "address": fee, "lamports": lamports},
            )
        self._was_low = is_low

    def _tell_trouble(self, error: Exception) -> None:
        # libpq's errors have several lines.
        told = f"{type(error).__name__}: {' '.join(str(error).split())}"
        if told != self._trouble:
            what = "the database does not answer" if isinstance(error, OperationalError) else "nothing is signed"
            logger.error(
                "the signer cannot work, %s. %s", what, told, extra={"action": "signer.trouble", "trouble": told}
            )
        self._trouble = told
        if isinstance(error, OperationalError):
            # The next turn connects anew.
            connections[self.using].close()
            return
        operator = self._dispatcher.operator if self._dispatcher else None
        try:
            if operator:
                self._write_report(operator.fee.address, operator.payout.address, None)
            else:
                self._write_report("", "", None, query="report_of_beginner")
        except OperationalError:
            connections[self.using].close()

    def _write_report(
        self, fee_address: str, payout_address: str, lamports: int | None, *, query: str = "report"
    ) -> None:
        SQL.run(
            self.using,
            query,
            {
                "fee_address": fee_address,
                "fee_lamports": lamports,
                "fee_low_lamports": self.configuration.fee_account_low_lamports,
                "payout_address": payout_address,
                "pool_low_water": self.configuration.pool_low_water,
                "trouble": self._trouble[:1000],
            },
        )

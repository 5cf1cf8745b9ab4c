"""What somebody should look at, by name: for the doctor, the admin and `/metrics`. Read from the database by anybody; asks no chain."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from django.db import DEFAULT_DB_ALIAS
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from mutoscope.engines.postgres.named_sql import SqlFile
from mutoscope.engines.solana.conf import Configuration, configuration
from mutoscope.engines.solana.signer.models import ENDED
from mutoscope.engines.solana.wallets.pool import pool_status

SQL = SqlFile("mutoscope.engines.solana", "signer/findings.sql")
SILENT_AFTER_S = 90.0
STUCK_AFTER_S = 900.0


@dataclass(frozen=True, slots=True)
class Finding:
    """Something wrong, with a stable name and a sentence that says what to do."""

    name: str
    text: str


@dataclass(frozen=True, slots=True)
class Condition:
    """How the signer and its queue are. `silent_s` is None where no signer ever ran; amounts in lamports."""

    silent_s: float | None
    trouble: str
    fee_address: str
    fee_lamports: int | None
    fee_low_lamports: int
    payout_address: str
    pool_free: int
    pool_low_water: int
    oldest_s: float
    jobs: dict[tuple[str, str], int]

    def waiting(self) -> int:
        """Jobs that are not ended."""
        return sum(number for (_, state), number in self.jobs.items() if state not in ENDED)


def condition(*, using: str = DEFAULT_DB_ALIAS) -> Condition:
    """Four small queries."""
    reports = SQL.fetch(using, "report")
    silent_s, trouble, fee_address, lamports, low, payout_address, low_water = (
        reports[0] if reports else (None, "", "", None, 0, "", 0)
    )
    ((oldest_s,),) = SQL.fetch(using, "oldest")
    jobs = {(kind, state): number for kind, state, number in SQL.fetch(using, "by_state")}
    free = pool_status(using=using).free
    return Condition(
        silent_s, trouble, fee_address, lamports, low, payout_address, free, low_water, float(oldest_s), jobs
    )


def findings(*, using: str = DEFAULT_DB_ALIAS) -> list[Finding]:
    """Everything wrong with signer, pool and fee account; empty when all is well."""
    return findings_in(condition(using=using))


def findings_in(now: Condition) -> list[Finding]:
    """The same of a condition that was asked for already."""
    return list(_findings(now))


def is_wanted(now: Condition) -> bool:
    """Whether this project needs a signer: one ran, something waits for one, or payments get addresses out of its pool."""
    configured = configuration()
    takes_from_pool = configured.receive_by == "wallet" and configured.wallets == Configuration.wallets
    return now.silent_s is not None or now.waiting() > 0 or takes_from_pool


def _findings(now: Condition) -> Iterator[Finding]:
    if now.silent_s is None:
        yield Finding(
            "signer_never_ran",
            "No signer has run on this database: start one (docs/solana.md, step 6). Nothing is swept, given back or paid out.",
        )
        return
    if now.silent_s > SILENT_AFTER_S:
        yield Finding(
            "signer_silent",
            f"The signer has not been heard of for {now.silent_s:.0f} s: look at its process and its log.",
        )
    if now.trouble:
        yield Finding("signer_in_trouble", f"The signer cannot work: {now.trouble}")
    if now.fee_lamports is not None and now.fee_lamports < now.fee_low_lamports:
        yield Finding(
            "fee_account_low",
            f"The fee account {now.fee_address} has {now.fee_lamports} lamports, and should have {now.fee_low_lamports}: send it SOL.",
        )
    if now.pool_free < now.pool_low_water:
        yield Finding(
            "wallet_pool_low",
            f"{now.pool_free} wallet addresses are free, and {now.pool_low_water} should be: is the signer running?",
        )
    if now.oldest_s > STUCK_AFTER_S:
        yield Finding(
            "signer_jobs_stuck",
            f"A job of the signer waits for {now.oldest_s:.0f} s: its reason is in the table of jobs.",
        )


class SignerCollector(Collector):
    """The same for Prometheus: register it, and each scrape asks the database."""

    def __init__(self, using: str = DEFAULT_DB_ALIAS) -> None:
        self.using = using

    def describe(self) -> Iterable[Metric]:
        """Nothing in advance: registering must not need a database."""
        return []

    def collect(self) -> Iterator[Metric]:
        now = condition(using=self.using)
        if now.silent_s is not None:
            yield GaugeMetricFamily(
                "solana_signer_silent_seconds", "Since the signer was last heard of.", value=now.silent_s
            )
        if now.fee_lamports is not None:
            yield GaugeMetricFamily(
                "solana_fee_account_lamports", "What the fee account holds.", value=now.fee_lamports
            )
            low = float(now.fee_lamports < now.fee_low_lamports)
            yield GaugeMetricFamily("solana_fee_account_low", "1 when it is below its alarm.", value=low)
        yield GaugeMetricFamily("solana_wallets_free", "Wallet addresses in the pool.", value=now.pool_free)
        yield GaugeMetricFamily(
            "solana_signer_oldest_seconds", "Age of the oldest job that is not ended.", value=now.oldest_s
        )
        jobs = GaugeMetricFamily("solana_signer_jobs", "Jobs by kind and state.", labels=["kind", "state"])
        for (kind, state), number in now.jobs.items():
            jobs.add_metric([kind, state], number)
        yield jobs

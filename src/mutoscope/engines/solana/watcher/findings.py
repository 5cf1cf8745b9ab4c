"""Whether somebody watches: for the doctor, a dashboard and `/metrics`. Read from the database by anybody; asks no chain.

The watcher's heartbeat is the lease of whoever leads, which is renewed each time round: it costs nothing more.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from django.db import DEFAULT_DB_ALIAS
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from mutoscope.engines.postgres.named_sql import SqlFile
from mutoscope.engines.solana.signer.findings import Finding
from mutoscope.engines.solana.watcher.leading import LEASE_S, NAME

SQL = SqlFile("mutoscope.engines.solana", "watcher/findings.sql")
# Another watcher takes the lease over before that, where there is one.
SILENT_AFTER_S = 90.0


@dataclass(frozen=True, slots=True)
class Watching:
    """How the watcher is. `silent_s` is None where nobody leads: none ever ran, or the last one was stopped in order."""

    silent_s: float | None
    due_s: float
    """For how long the oldest look has been due; 0 where none is."""


def watching(*, using: str = DEFAULT_DB_ALIAS) -> Watching:
    """Two small queries."""
    beats = SQL.fetch(using, "beat", {"name": NAME, "lease_s": LEASE_S})
    (due_s,) = SQL.fetch_one(using, "due")
    return Watching(max(0.0, float(beats[0][0])) if beats else None, float(due_s or 0))


def watcher_findings(*, using: str = DEFAULT_DB_ALIAS) -> list[Finding]:
    """What is wrong with the watcher; empty when all is well, and where nothing is to be looked at."""
    now = watching(using=using)
    if now.silent_s is None and now.due_s > SILENT_AFTER_S:
        text = (
            f"No watcher runs, and a look has been due for {now.due_s:.0f} s: start one. No payment is seen meanwhile."
        )
        return [Finding("watcher_not_running", text)]
    if now.silent_s is not None and now.silent_s > SILENT_AFTER_S:
        text = (
            f"The watcher has not been heard of for {now.silent_s:.0f} s: look at its process and its log. "
            "No payment is seen meanwhile."
        )
        return [Finding("watcher_silent", text)]
    return []


class WatcherCollector(Collector):
    """The same for Prometheus: register it, and each scrape asks the database."""

    def __init__(self, using: str = DEFAULT_DB_ALIAS) -> None:
        self.using = using

    def describe(self) -> Iterable[Metric]:
        """Nothing in advance: registering must not need a database."""
        return []

    def collect(self) -> Iterator[Metric]:
        now = watching(using=self.using)
        if now.silent_s is not None:
            yield GaugeMetricFamily(
                "solana_watcher_silent_seconds", "Since the watcher was last heard of.", value=now.silent_s
            )
        yield GaugeMetricFamily(
            "solana_watch_due_seconds", "For how long the oldest look at an account has been due.", value=now.due_s
        )

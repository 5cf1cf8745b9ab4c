"""Telling the host project what became of its jobs: at least once each, with the job's key, in order for each job."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from django.db import DEFAULT_DB_ALIAS, transaction

from mutoscope.engines.postgres.named_sql import SqlFile
from mutoscope.engines.solana.outbox import signals

SQL = SqlFile("mutoscope.engines.solana", "signer/outbox.sql")


@dataclass(frozen=True, slots=True)
class JobNews:
    """One change of a job's state. `settled`, `failed` and `voided` are the last there is of a job."""

    event_id: int
    job_id: int
    key: str
    kind: str
    state: str
    signature: str
    reason: str
    at: datetime


# Called inside the transaction that marks the news as delivered: what it writes commits with that, or not at all.
Handler = Callable[[JobNews], None]


def deliver(handler: Handler, *, limit: int = 100, using: str = DEFAULT_DB_ALIAS) -> int:
    """Hand undelivered news to `handler`, each in a transaction of its own; how many. For a task that runs every second or so.

    Any number of processes may call it. A handler that raises stops this call there, and gets the same news next time.
    """
    for delivered in range(limit):
        with transaction.atomic(using=using):
            rows = SQL.fetch(using, "next")
            if not rows:
                return delivered
            news = JobNews(*rows[0])
            handler(news)
            SQL.run(using, "delivered", {"id": news.event_id})
    return limit


def tell_jobs() -> int:
    """Deliver to the receivers of `outbox.signals.job_changed`; how many. The watcher calls it at every turn."""
    return deliver(_tell)


def _tell(news: JobNews) -> None:
    signals.job_changed.send(JobNews, news=news)


def waiting(*, using: str = DEFAULT_DB_ALIAS) -> int:
    """How much news is undelivered."""
    ((number,),) = SQL.fetch(using, "waiting")
    return int(number)

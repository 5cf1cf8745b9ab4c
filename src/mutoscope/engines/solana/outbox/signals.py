"""Django signals, one for each kind of event. Sent by a worker, in a transaction that also marks the event as told.

    @receiver(signals.settled)
    def fulfil(sender, payment, key, data, **kwargs): ...

What a receiver writes to the same database commits with that mark, and so happens exactly once. What it does elsewhere
may happen again after a crash: `key` is the same then. A receiver that raises is called again later.
"""

from __future__ import annotations

from django.dispatch import Signal

initiated = Signal()
seen = Signal()
confirmed = Signal()
settled = Signal()
partial = Signal()
excess = Signal()
foreign = Signal()
late = Signal()
expired = Signal()
swept = Signal()
unmatched = Signal()
# What became of a job of the signer: receivers get `news`, a `signer.outbox.JobNews`, by the same rules. Its jobs are no payments' events.
job_changed = Signal()

BY_NAME: dict[str, Signal] = {
    "initiated": initiated,
    "seen": seen,
    "confirmed": confirmed,
    "settled": settled,
    "partial": partial,
    "excess": excess,
    "foreign": foreign,
    "late": late,
    "expired": expired,
    "swept": swept,
    "unmatched": unmatched,
}

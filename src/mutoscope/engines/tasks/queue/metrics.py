"""The queue's state for Prometheus: register QueueCollector, and each scrape asks the database three questions."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from django.db import connections
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from mutoscope.engines.tasks.queue.backend import SQL, PostgresBackend, backend_of


@dataclass(frozen=True, slots=True)
class Depth:
    """How full one queue is; `oldest_s` is the age of the task that has been ready for longest."""

    ready: int
    deferred: int
    running: int
    oldest_s: float


def depths(backend: PostgresBackend) -> dict[str, Depth]:
    """Every queue that has live tasks or belongs to the backend."""
    found = {queue: Depth(0, 0, 0, 0.0) for queue in sorted(backend.queues)}
    return found | {queue: Depth(*counts) for queue, *counts in _rows(backend, "depths")}


def dead_letters(backend: PostgresBackend) -> dict[str, int]:
    """How many failed tasks each queue keeps; queues without any are left out."""
    return dict(_rows(backend, "dead"))


class QueueCollector(Collector):
    """Depth, age, throughput, failures and lease losses, over all workers: each worker counts into its own row."""

    def __init__(self, backend: str = "default") -> None:
        self.backend = backend

    def describe(self) -> Iterable[Metric]:
        """Nothing in advance: registering must not need a database."""
        return []

    def collect(self) -> Iterator[Metric]:
        backend = backend_of(self.backend)
        depth = GaugeMetricFamily("tasks_depth", "Live tasks by queue and state.", labels=["queue", "state"])
        oldest = GaugeMetricFamily("tasks_oldest_ready_seconds", "Age of the oldest ready task.", labels=["queue"])
        for queue, counts in depths(backend).items():
            depth.add_metric([queue, "ready"], counts.ready)
            depth.add_metric([queue, "deferred"], counts.deferred)
            depth.add_metric([queue, "running"], counts.running)
            oldest.add_metric([queue], counts.oldest_s)
        yield depth
        yield oldest
        dead = GaugeMetricFamily("tasks_dead_letters", "Failed tasks that are kept.", labels=["queue"])
        for queue, number in dead_letters(backend).items():
            dead.add_metric([queue], number)
        yield dead
        succeeded, failed, retried, refused, alive, lost = _rows(backend, "tallies")[0]
        ended = CounterMetricFamily("tasks_attempts", "Ended attempts by outcome.", labels=["outcome"])
        for outcome, number in (("succeeded", succeeded), ("failed", failed), ("retried", retried)):
            ended.add_metric([outcome], number)
        yield ended
        yield CounterMetricFamily("tasks_lease_losses", "Results refused because the lease was gone.", value=refused)
        yield GaugeMetricFamily("tasks_workers", "Workers that beat.", value=alive)
        yield GaugeMetricFamily("tasks_workers_lost", "Workers lost in the last two days.", value=lost)


def _rows(backend: PostgresBackend, statement: str) -> list[tuple[Any, ...]]:
    with connections[backend.configuration.database].cursor() as cursor:
        cursor.execute(SQL[statement])
        rows: list[tuple[Any, ...]] = cursor.fetchall()
        return rows

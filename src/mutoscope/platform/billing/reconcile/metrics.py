"""The last comparison and the last seal, for Prometheus."""

from __future__ import annotations

from collections.abc import Iterable

from prometheus_client.core import GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from mutoscope.engines.ledger.sealing import sealing_lag
from mutoscope.platform.billing import books
from mutoscope.platform.billing.models import Reconciliation
from mutoscope.platform.billing.reconcile.service import MEANINGS


class ReconciliationCollector(Collector):
    """One question to the database for each scrape."""

    def describe(self) -> Iterable[Metric]:
        return []

    def collect(self) -> Iterable[Metric]:
        last = Reconciliation.objects.order_by("-id").first()
        if last is None:
            return
        at = GaugeMetricFamily(
            "mutoscope_reconciled_at_seconds", "When the books were last compared, in seconds since 1970."
        )
        at.add_metric([], last.at.timestamp())
        rows = GaugeMetricFamily(
            "mutoscope_reconciliation_rows",
            "Rows that differ, by finding; 100 stands for 100 or more.",
            labels=["finding"],
        )
        found = {finding["name"]: len(finding["rows"]) for finding in last.findings}
        for name in MEANINGS:
            rows.add_metric([name], found.get(name, 0))
        lies = GaugeMetricFamily(
            "mutoscope_money_base_units",
            "Base units of a token that came in, by where they are, as of the last comparison.",
            labels=["place", "token"],
        )
        for holding in last.holdings:
            lies.add_metric([holding["place"], holding["symbol"]], holding["amount"])
        yield at
        yield rows
        yield lies


class SealCollector(Collector):
    """One question to the database for each scrape."""

    def describe(self) -> Iterable[Metric]:
        return []

    def collect(self) -> Iterable[Metric]:
        lag = sealing_lag(books.ledger().using)
        if lag.last_seal_s is not None:
            yield GaugeMetricFamily(
                "mutoscope_ledger_seal_age_seconds",
                "How long ago the last seal of the ledger was made, in seconds. Where nothing is posted, none is made.",
                value=lag.last_seal_s,
            )
        yield GaugeMetricFamily(
            "mutoscope_ledger_unsealed_seconds",
            "How long the oldest transfer that is not sealed has waited, in seconds; 0 when all are sealed.",
            value=lag.oldest_unsealed_s or 0.0,
        )

"""Numbers for Prometheus, summed over all web processes, and who may read them."""

from __future__ import annotations

import os
import secrets

import structlog
from django.conf import settings
from django.db import DatabaseError
from django.http import Http404, HttpRequest, HttpResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from prometheus_client import CONTENT_TYPE_LATEST, REGISTRY, CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector

from mutoscope.engines.solana.signer.findings import SignerCollector
from mutoscope.engines.solana.watcher.findings import WatcherCollector
from mutoscope.engines.tasks.queue.metrics import QueueCollector
from mutoscope.platform.billing.public import ReconciliationCollector, SealCollector
from mutoscope.web.client_address import is_from_this_machine

log = structlog.get_logger(__name__)

REQUESTS = Counter("mutoscope_http_requests", "Requests answered.", ["method", "view", "status"])
DURATION = Histogram(
    "mutoscope_http_request_seconds",
    "Time from the first middleware to the response, in seconds.",
    ["view"],
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
)
REFUSED = Counter("mutoscope_http_refused", "Requests refused before any view saw them, by reason.", ["reason"])


@require_safe
@never_cache
def metrics(request: HttpRequest) -> HttpResponse:
    """Prometheus' text format, for whoever holds the token; without a token, for this machine itself in the sandbox."""
    if not _may_read(request):
        # Whether there is anything here is nobody else's business.
        raise Http404
    registry: CollectorRegistry = REGISTRY
    if os.environ.get("PROMETHEUS_MULTIPROC_DIR"):
        registry = CollectorRegistry()
        MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    return HttpResponse(generate_latest(registry) + _queue_metrics(), content_type=CONTENT_TYPE_LATEST)


def _queue_metrics() -> bytes:
    """The queue's state, the last reconciliation and the last seal, which PostgreSQL knows and no process.

    Without a database the rest is still worth having.
    """
    registry = CollectorRegistry()
    registry.register(QueueCollector())
    registry.register(SignerCollector())
    registry.register(WatcherCollector())
    registry.register(ReconciliationCollector())
    registry.register(SealCollector())
    try:
        return generate_latest(registry)
    except DatabaseError as error:
        log.warning("no queue metrics", action="metrics", error=str(error).strip())
        return b""


def _may_read(request: HttpRequest) -> bool:
    token = settings.ENVIRONMENT.metrics_token
    if token is not None:
        given = request.headers.get("Authorization", "")
        return secrets.compare_digest(given.encode(), f"Bearer {token.get_secret_value()}".encode())
    return not settings.ENVIRONMENT.is_production and is_from_this_machine(request)

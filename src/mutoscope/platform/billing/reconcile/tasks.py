"""The comparison of each night."""

from __future__ import annotations

import structlog
from django_tasks import task

from mutoscope.engines.tasks.queue.schedules import schedule
from mutoscope.platform.billing.reconcile.service import Reconcile, ReconcileInputs

log = structlog.get_logger(__name__)


@schedule("42 3 * * *", name="billing.reconcile")
@task()
def reconcile_books() -> int:
    """Compare and keep the result; returns how many kinds of differences there are."""
    findings = Reconcile().call(ReconcileInputs()).findings
    for finding in findings:
        log.error("the books differ", action="reconcile", finding=finding.name, rows=len(finding.rows))
    return len(findings)

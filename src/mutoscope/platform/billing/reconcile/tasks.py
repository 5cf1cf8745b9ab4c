"""The work of each night: the ledger is sealed, then the books are compared."""

from __future__ import annotations

import structlog
from django_tasks import task

from mutoscope.engines.ledger.sealing import SealingBlocked, seal
from mutoscope.engines.tasks.queue.policy import policy
from mutoscope.engines.tasks.queue.schedules import schedule
from mutoscope.platform.billing import books
from mutoscope.platform.billing.reconcile.service import Reconcile, ReconcileInputs

log = structlog.get_logger(__name__)
NIGHTLY = "billing.reconcile"


# Half an hour before the comparison, which looks whether it was done. A transaction that is in the way for longer than the tries
# last, some ten minutes, is one for the operator.
@schedule("12 3 * * *", name="billing.seal_ledger")
@task()
@policy(attempts_max=5, backoff_s=60, retry_on=(SealingBlocked,))
def seal_ledger() -> int:
    """Extend the hash chain of the site's ledger to now; returns how many transfers were sealed."""
    sealed = seal(books.ledger().using)
    log.info("the ledger was sealed", action="seal_ledger", transfers=sealed.transfers, through_id=sealed.through_id)
    return sealed.transfers


@schedule("42 3 * * *", name=NIGHTLY)
@task()
# It passes over whole tables: one at a time, however often somebody asks for it.
@policy(unique_key=NIGHTLY, limit_key=NIGHTLY)
def reconcile_books() -> int:
    """Compare and keep the result; returns how many kinds of differences there are."""
    findings = Reconcile().call(ReconcileInputs()).findings
    for finding in findings:
        log.error("the books differ", action="reconcile", finding=finding.name, rows=len(finding.rows))
    return len(findings)

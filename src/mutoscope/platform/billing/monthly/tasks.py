"""The statements of the month that is over; made up for later, where nobody worked at its end."""

from __future__ import annotations

import structlog
from django_tasks import task

from mutoscope.engines.tasks.queue.schedules import schedule
from mutoscope.platform.billing.clock import SERVER_CLOCK, Clock
from mutoscope.platform.billing.monthly.service import ISSUED_AT, IssueStatement, IssueStatementInputs, due

log = structlog.get_logger(__name__)

AT_ONCE = 500


@schedule(f"{ISSUED_AT.minute} {ISSUED_AT.hour} * * *", name="billing.monthly")
@task()
def issue_statements() -> int:
    """Issue all that are due; returns how many."""
    return issue_all()


def issue_all(clock: Clock = SERVER_CLOCK) -> int:
    """Each in a transaction of its own, so that a kill loses none that was issued, and the rest is issued next time."""
    issued = 0
    while found := due(AT_ONCE, clock):
        for channel_id, year, month in found:
            IssueStatement(clock).call(IssueStatementInputs(channel_id, year, month))
        issued += len(found)
    if issued:
        log.info("monthly statements were issued", action="issue_statements", statements=issued)
    return issued

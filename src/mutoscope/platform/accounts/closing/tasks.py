"""Erasing accounts whose two weeks are over."""

from __future__ import annotations

import structlog
from django.db.models.functions import Now
from django_tasks import task

from mutoscope.engines.tasks.queue.schedules import schedule
from mutoscope.platform.accounts.closing.failures import NotDue, Prevented
from mutoscope.platform.accounts.closing.models import Closing
from mutoscope.platform.accounts.closing.service import EraseAccount, EraseAccountInputs, delete_pictures

log = structlog.get_logger(__name__)


@schedule("47 3 * * *", name="accounts.erase_closed")
@task()
def erase_closed() -> int:
    """Erase all that are due; returns how many."""
    return erase_all()


def erase_all() -> int:
    """Each in a transaction of its own, so that a kill or one that cannot be erased yet holds up no other."""
    delete_pictures()
    erased = 0
    due = Closing.objects.filter(erased_at=None, erase_at__lte=Now()).order_by("erase_at")
    for person_id in list(due.values_list("pk", flat=True)):
        try:
            EraseAccount().call(EraseAccountInputs(person_id))
        except NotDue:
            continue
        except Prevented as prevented:
            log.warning(
                "an account cannot be erased yet: its page in the operator pages says why",
                action="erase_closed",
                person_id=person_id,
                hindrances=len(prevented.by),
            )
        else:
            erased += 1
    if erased:
        log.info("closed accounts were erased", action="erase_closed", accounts=erased)
    return erased

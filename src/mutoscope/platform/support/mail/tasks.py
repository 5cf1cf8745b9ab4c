"""Sending mail in the background: at once when some is written, and each minute for what a server put off."""

from __future__ import annotations

from django_tasks import task

from mutoscope.engines.tasks.queue.policy import policy
from mutoscope.engines.tasks.queue.schedules import schedule
from mutoscope.platform.support.mail.delivery import BATCH_MAX, LEASE_S, deliver_waiting


# However many mails are written meanwhile, one waiting task is enough to send them all.
@schedule("* * * * *", name="support.deliver_mail")
@task()
@policy(unique_key="support.deliver_mail", timeout_s=LEASE_S)
def deliver_mail() -> int:
    """Send what is due; returns how many mails left. The mails keep their own count of tries."""
    sent = deliver_waiting()
    if sent == BATCH_MAX:
        deliver_mail.enqueue()
    return sent

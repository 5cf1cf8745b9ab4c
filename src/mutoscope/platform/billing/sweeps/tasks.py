"""The turn that collects what arrived, every few minutes."""

from __future__ import annotations

import structlog
from django.conf import settings
from django_tasks import task

from mutoscope.engines.tasks.queue.schedules import schedule
from mutoscope.platform.billing.sweeps.service import CollectMoney, CollectMoneyInputs

log = structlog.get_logger(__name__)


@schedule("*/5 * * * *", name="billing.sweeps")
@task()
def collect_money() -> int:
    """Ask for sweeps and reclaims; returns how many jobs of both there are."""
    if not settings.MUTOSCOPE_SOLANA["RPC"]:
        return 0
    done = CollectMoney().call(CollectMoneyInputs())
    if done.sweeps or done.reclaims:
        log.info("money is collected", action="collect_money", sweeps=done.sweeps, reclaims=done.reclaims)
    return done.sweeps + done.reclaims

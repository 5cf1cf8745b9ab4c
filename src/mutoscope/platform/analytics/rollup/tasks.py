"""Every ten minutes: figures that a creator looks at are hardly older than that."""

from __future__ import annotations

from django_tasks import task

from mutoscope.engines.tasks.queue.policy import policy
from mutoscope.engines.tasks.queue.schedules import schedule
from mutoscope.platform.analytics.rollup.service import AddUpAudience, RollUpInputs


@schedule("*/10 * * * *", name="analytics.add_up_audience")
@task()
@policy(unique_key="analytics.add_up_audience")
def add_up_audience() -> int:
    """Add visits and beats to each film's days; how many days were counted anew."""
    return AddUpAudience().call(RollUpInputs()).film_days

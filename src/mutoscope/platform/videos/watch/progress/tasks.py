"""What is kept in order at night."""

from __future__ import annotations

from django.utils import timezone
from django_tasks import task

from mutoscope.engines.tasks.queue.schedules import schedule
from mutoscope.platform.videos.statements import run
from mutoscope.platform.videos.watch.progress.months import keep_months


@schedule("41 3 * * *", name="videos.keep_beats")
@task()
def keep_beats() -> None:
    """Make the months of beats that are coming, drop what is too old, forget playbacks that are over."""
    keep_months(timezone.now().date())
    run("watch/progress", "forget_playbacks", {})
    run("watch/progress", "forget_buckets", {})

"""What nobody asks for and has to be done all the same, at quiet hours."""

from __future__ import annotations

from django.contrib.sessions.backends.db import SessionStore
from django_tasks import task

from mutoscope.engines.tasks.queue.schedules import schedule


@schedule("17 4 * * *", name="web.clear_sessions")
@task()
def clear_sessions() -> None:
    """Forget sessions that have ended; Django itself never does."""
    SessionStore.clear_expired()

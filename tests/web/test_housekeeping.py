"""What is done at quiet hours."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.contrib.sessions.models import Session
from django.utils import timezone

from mutoscope.engines.tasks.queue.schedules import declared_schedules
from mutoscope.web.housekeeping import clear_sessions


@pytest.mark.django_db
def test_ended_sessions_go_and_others_stay() -> None:
    now = timezone.now()
    Session.objects.create(session_key="ended", session_data="", expire_date=now - timedelta(seconds=1))
    Session.objects.create(session_key="running", session_data="", expire_date=now + timedelta(hours=1))
    clear_sessions.call()
    assert list(Session.objects.values_list("session_key", flat=True)) == ["running"]


def test_the_site_declares_its_schedules() -> None:
    assert {"web.clear_sessions", "support.deliver_mail"} <= {each.name for each in declared_schedules()}

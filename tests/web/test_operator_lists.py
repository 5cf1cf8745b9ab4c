"""What the operator's lists say, and what they keep to themselves."""

from __future__ import annotations

import json

import pytest
from django.test import Client
from django.utils import timezone

from mutoscope.engines.tasks.models import Run, UnitRecord, WorkerRecord
from mutoscope.engines.tasks.pipelines.timeline import shown
from mutoscope.platform.videos.process.pipeline import MAKE_FILM
from tests.people import make_person

pytestmark = pytest.mark.django_db


@pytest.fixture
def operator(client: Client) -> Client:
    client.force_login(make_person("olga", is_staff=True, is_superuser=True))
    return client


def test_a_runs_page_does_not_say_where_the_original_lies(operator: Client) -> None:
    now = timezone.now()
    run = Run.objects.create(pipeline=MAKE_FILM.name, input="{}", started_at=now)
    outputs = {
        "receive": {"video_id": 4711, "name": "aa/original-of-a-film.mov"},
        "probe": {"video_id": 4711, "original": "aa/original-of-a-film.mov", "facts": {"bytes": 1}},
        "open_edition": {"video_id": 4711, "original": "aa/original-of-a-film.mov", "edition_id": 1},
    }
    for unit, output in outputs.items():
        UnitRecord.objects.create(
            run_id=run.pk,
            unit=unit,
            output=json.dumps(output),
            version=1,
            attempt=1,
            task_id=1,
            started_at=now,
            finished_at=now,
        )
    page = operator.get(f"/operator/tasks/run/{run.pk}/change/").content.decode()
    assert page.count("4711") >= 3
    assert "original-of-a-film" not in page


@pytest.mark.parametrize(
    ("output", "expected"),
    [
        ('{"name": "a/b.mov", "size": 3}', '{"name": "…", "size": 3}'),
        ('{"name": "with \\"quotes\\" in it", "b": "c"}', '{"name": "…", "b": "c"}'),
        ('{"size": 3, "name": "cut sho', '{"size": 3, "name": "…"'),
        ('{"size": 3, "name": "cut at a \\', '{"size": 3, "name": "…"'),
        ('{"renamed": "this"}', '{"renamed": "this"}'),
        (None, ""),
    ],
)
def test_what_a_unit_hides_is_not_shown_wherever_it_was_cut(output: str | None, expected: str) -> None:
    assert shown(output, ("name",)) == expected


def test_workers_are_filtered_in_the_words_of_their_list(operator: Client) -> None:
    now = timezone.now()
    for state in ("WORKING", "STOPPED"):
        WorkerRecord.objects.create(
            name=f"worker-{state.lower()}", queues="default", concurrency=1, started_at=now, beat_at=now, state=state
        )
    page = operator.get("/operator/tasks/workerrecord/").content.decode()
    assert ">draining<" in page
    assert "WORKING<" not in page
    page = operator.get("/operator/tasks/workerrecord/?state=STOPPED").content.decode()
    assert "worker-stopped" in page
    assert "worker-working" not in page

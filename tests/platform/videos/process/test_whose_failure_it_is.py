"""A file that is no film is its creator's matter; what breaks on our side is the operator's. Each is told, and only that one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from mutoscope.engines.tasks.models import FinishedTask
from mutoscope.engines.tasks.queue.backend import backend_of
from mutoscope.engines.tasks.queue.metrics import dead_letters
from mutoscope.platform.videos.domain.life import VideoState
from mutoscope.platform.videos.process import units
from mutoscope.platform.videos.process.failing import BROKEN
from tests.people import make_person
from tests.platform.videos.process.conftest import Maker
from tests.platform.videos.process.sources import X264, make, picture, tone

pytestmark = pytest.mark.django_db(transaction=True)


def failed_for_good() -> Any:
    """What the operator's first page says of it."""
    client = Client()
    client.force_login(make_person("olga", is_staff=True, is_superuser=True))
    panels = client.get("/operator/").context["panels"]
    return next(figure for panel in panels for figure in panel.figures if figure.name == "Failed for good")


def no_film(folder: Path) -> Path:
    film = folder / "film.mp4"
    film.write_text("A shopping list: milk, bread, lamp oil.\n" * 200)
    return film


def cut_short(folder: Path) -> Path:
    film = make(folder / "whole.mp4", *picture("320x240", "25", 2), *X264)
    film.write_bytes(film.read_bytes()[:400])
    return film


def only_sound(folder: Path) -> Path:
    return make(folder / "film.m4a", *tone(1), "-c:a", "aac")


@pytest.mark.parametrize("source", [no_film, cut_short, only_sound])
def test_a_file_that_cannot_be_read_is_told_to_its_creator_and_raises_no_alarm(
    make_film: Maker, tmp_path: Path, source: Any
) -> None:
    video = make_film(source(tmp_path))
    assert video.state == VideoState.FAILED
    assert video.state_reason not in ("", BROKEN)
    task = FinishedTask.objects.get(run_id=video.run_id, status=4)
    assert "Traceback" not in str(task.error)
    assert dead_letters(backend_of()) == {}
    figure = failed_for_good()
    assert (figure.value, figure.is_alarm) == ("0", False)


def test_what_breaks_on_our_side_is_an_alarm_with_its_traceback(
    make_film: Maker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: Any) -> None:
        raise RuntimeError("the decoder is gone")

    monkeypatch.setattr(units, "look_into", broken)
    video = make_film(make(tmp_path / "film.mp4", *picture("320x240", "25", 2), *X264))
    assert (video.state, video.state_reason) == (VideoState.FAILED, BROKEN)
    task = FinishedTask.objects.get(run_id=video.run_id, status=2)
    assert "the decoder is gone" in str(task.error)
    assert "Traceback" in str(task.error)
    assert sum(dead_letters(backend_of()).values()) == 1
    figure = failed_for_good()
    assert (figure.value, figure.is_alarm) == ("1", True)

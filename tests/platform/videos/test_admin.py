"""Films in the operator's pages."""

from __future__ import annotations

import pytest
from django.contrib.admin import site
from django.contrib.messages.storage.base import BaseStorage
from django.contrib.messages.storage.cookie import CookieStorage
from django.http import HttpRequest
from django.test import RequestFactory

from mutoscope.platform.accounts.public import Person
from mutoscope.platform.videos.admin import VideoAdmin
from mutoscope.platform.videos.domain.life import VideoState
from mutoscope.platform.videos.models import Video
from tests.platform.videos.films import new_channel, new_video

# A refusal ends the transaction of its service: in a test that is one itself, nothing could be asked afterwards.
pytestmark = pytest.mark.django_db(transaction=True)


def asked_by_staff() -> HttpRequest:
    request = RequestFactory().get("/")
    request.user = Person.objects.create_superuser(username="grace", email="grace@example.org", password=None)
    messages: BaseStorage = CookieStorage(request)
    request._messages = messages  # type: ignore[attr-defined] # where the middleware puts it
    return request


def test_every_move_goes_through_the_services_and_is_written_down() -> None:
    video = new_video(new_channel(), VideoState.PUBLISHED)
    pages, request = VideoAdmin(Video, site), asked_by_staff()
    pages.unlist(request, Video.objects.all())
    pages.archive(request, Video.objects.all())
    pages.retry(request, Video.objects.all())
    video.refresh_from_db()
    assert video.state == VideoState.ARCHIVED, "a film that has not failed is not retried"
    assert [move.to_state for move in video.moves.all()][-2:] == ["unlisted", "archived"]
    assert {move.by_id for move in list(video.moves.all())[-2:]} == {request.user.pk}


def test_nothing_can_be_edited_and_the_page_shows_history_and_run() -> None:
    video = new_video(new_channel(), VideoState.FAILED)
    Video.objects.filter(pk=video.pk).update(run_id=77, original="secret/place")
    pages, request = VideoAdmin(Video, site), asked_by_staff()
    shown = pages.changeform_view(request, str(video.pk))
    shown.render()  # type: ignore[attr-defined] # is a TemplateResponse
    page = shown.content.decode()
    assert "secret/place" not in page
    assert "/run/77/change/" in page
    assert "It was cut short." in page
    assert set(pages.get_fields(request)) == set(pages.get_readonly_fields(request))
    assert not pages.has_add_permission(request)
    assert not pages.has_delete_permission(request)

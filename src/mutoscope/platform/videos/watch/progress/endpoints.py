"""What a person has watched: to go on with it, to forget it, or not to have it kept."""

from __future__ import annotations

from typing import cast

from django.contrib import messages
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST, require_safe

from mutoscope.platform.accounts.public import Person, login_required
from mutoscope.platform.videos.domain.life import PLAYABLE, PUBLIC
from mutoscope.platform.videos.models import Video
from mutoscope.platform.videos.watch.cards import film_cards
from mutoscope.platform.videos.watch.models import Seen, WatchingChoice

SHOWN_MAX = 60


@login_required
@require_safe
def history(request: HttpRequest) -> HttpResponse:
    """The films that somebody watched, the last one first."""
    person = cast("Person", request.user)
    rows = list(
        Seen.objects.filter(person=person, video__state__in=PLAYABLE).select_related("video__channel", "video__cover")[
            :SHOWN_MAX
        ]
    )
    cards = film_cards([row.video for row in rows], person.pk, {row.video_id: _shown_position(row) for row in rows})
    context = {"rows": list(zip(rows, cards, strict=True)), "keeps_history": keeps_history(person)}
    return render(request, "videos/watch/progress/history.html", context)


@login_required
@require_POST
def choose(request: HttpRequest) -> HttpResponse:
    """Whether it is kept from now on. What is there stays, until it is cleared."""
    keeps = request.POST.get("keeps_history") == "on"
    WatchingChoice.objects.update_or_create(person=cast("Person", request.user), defaults={"keeps_history": keeps})
    messages.success(request, "Your history is kept." if keeps else "What you watch is not kept from now on.")
    return redirect("history")


@login_required
@require_POST
def clear(request: HttpRequest) -> HttpResponse:
    with transaction.atomic():
        Seen.objects.filter(person=cast("Person", request.user)).delete()
    messages.success(request, "Your history is empty.")
    return redirect("history")


@login_required
@require_POST
def forget(request: HttpRequest, public_id: str) -> HttpResponse:
    """Take one film out."""
    Seen.objects.filter(person=cast("Person", request.user), video__public_id=public_id).delete()
    messages.success(request, "It is out of your history.")
    return redirect("history")


def keeps_history(person: Person) -> bool:
    return not WatchingChoice.objects.filter(person=person, keeps_history=False).exists()


def continue_watching(person_id: int, limit: int) -> tuple[list[Video], dict[int, int]]:
    """Films that somebody began and did not see to the end, the last one first, with their positions in milliseconds."""
    rows = Seen.objects.filter(person_id=person_id, is_finished=False, video__state__in=PUBLIC, position_ms__gt=0)
    began = list(rows.select_related("video__channel", "video__cover")[:limit])
    return [row.video for row in began], {row.video_id: row.position_ms for row in began}


def _shown_position(row: Seen) -> int:
    return (row.video.duration_ms or row.position_ms) if row.is_finished else row.position_ms

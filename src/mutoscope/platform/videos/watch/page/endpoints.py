"""The page of a film, in each of its states."""

from __future__ import annotations

import re
from typing import Any

from csp.constants import UNSAFE_INLINE
from csp.decorators import csp_update
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_safe

from mutoscope.platform.videos.domain.chapters import parse_chapters, prose, webvtt
from mutoscope.platform.videos.domain.life import PLAYABLE, PUBLIC, VideoState
from mutoscope.platform.videos.domain.rights import Answer, Reason
from mutoscope.platform.videos.models import Video
from mutoscope.platform.videos.takedown.page import taken_down_page
from mutoscope.platform.videos.watch.cards import address, film_cards, length
from mutoscope.platform.videos.watch.films import ask, find_film, is_owner
from mutoscope.platform.videos.watch.page.player import player_context
from mutoscope.platform.videos.watch.page.sharing import share_context
from mutoscope.platform.videos.watch.ports import page_foot, unlock_panel

MORE_SHOWN = 8
# A moment in the film: 90, 90s, 1m30s, 1h2m3s.
MOMENT = re.compile(r"(?:(\d{1,3})h)?(?:(\d{1,4})m)?(?:(\d{1,6})s?)?", re.ASCII)
# The player's elements style themselves within their shadow trees: docs/decisions/0602.
PLAYER_POLICY = {
    "style-src": [UNSAFE_INLINE],
    # hls.js makes an empty file of subtitles before it has the first one.
    "media-src": ["data:"],
}


@require_safe
@csp_update(PLAYER_POLICY)  # type: ignore[arg-type] # is typed for views without arguments
def show(request: HttpRequest, public_id: str, slug: str = "") -> HttpResponse:
    """A film's page; another spelling of its title leads to the one in use."""
    film = find_film(public_id)
    if film is None:
        raise Http404
    person_id = request.user.pk if request.user.is_authenticated else None
    owner = is_owner(film, person_id)
    state = VideoState(film.state)
    if state is VideoState.TAKEN_DOWN:
        return taken_down_page(request, film)
    answer = ask(film, person_id)
    if not is_shown(film, person_id, answer):
        return _withdrawn(request, film)
    query = f"?{request.META['QUERY_STRING']}" if request.META.get("QUERY_STRING") else ""
    if request.path != address(film):
        return redirect(address(film) + query, permanent=state in PUBLIC)
    if film.edition is None and not _has_begun(film):
        return render(request, "videos/watch/page/unfinished.html", {"film": film, "state": state.value})
    return render(request, "videos/watch/page/show.html", _context(request, film, answer, owner))


def is_shown(film: Video, person_id: int | None, answer: Answer | None = None) -> bool:
    """Whether somebody may read what a film says of itself. `answer` is who may watch it, where that is known."""
    state = VideoState(film.state)
    if state is VideoState.TAKEN_DOWN:
        return False
    if state in PUBLIC or is_owner(film, person_id):
        return True
    return state in PLAYABLE and (answer or ask(film, person_id)).is_yes()


def _has_begun(film: Video) -> bool:
    """Whether something of a film that is being made can be looked at, by its creator."""
    return film.next_edition is not None and film.next_edition.pieces.filter(first_number=0).exists()


def _withdrawn(request: HttpRequest, film: Video) -> HttpResponse:
    """Who knows the address of a film that was shown once is told so; of one that never was, nothing."""
    if film.published_at is None:
        raise Http404
    return render(request, "videos/watch/page/withdrawn.html", {"channel": film.channel}, status=410)


def _context(request: HttpRequest, film: Video, answer: Answer, owner: bool) -> dict[str, Any]:
    person_id = request.user.pk if request.user.is_authenticated else None
    parts = parse_chapters(film.description, film.duration_ms)
    start_ms = parse_moment(request.GET.get("t", ""))
    more = (
        Video.objects.filter(state=VideoState.PUBLISHED)
        .exclude(pk=film.pk)
        .select_related("cover", "channel")
        .order_by("-published_at", "-id")[:MORE_SHOWN]
    )
    context = {
        "film": film,
        "address": address(film),
        "length": length(film.duration_ms),
        "is_owner": owner,
        "is_public": VideoState(film.state) in PUBLIC,
        "may_watch": answer.is_yes(),
        "answer": answer,
        "chapters": parts,
        "prose": prose(film.description, parts),
        "more": film_cards(list(more), person_id),
        **player_context(film, answer, parts, person_id=person_id, start_ms=start_ms),
        **share_context(film),
        "foot": page_foot.get()(request, film, answer),
    }
    if not answer.is_yes():
        context["panel"] = unlock_panel.get()(request, film, answer)
    elif answer.reason is Reason.UNLOCKED:
        context["until"] = answer.until
    return context


@require_safe
def chapters(request: HttpRequest, public_id: str) -> HttpResponse:
    """The chapters for the player's time line."""
    film = find_film(public_id)
    if film is None or not is_shown(film, request.user.pk):
        raise Http404
    parts = parse_chapters(film.description, film.duration_ms)
    if not parts:
        raise Http404
    return HttpResponse(webvtt(parts), content_type="text/vtt; charset=utf-8")


def parse_moment(text: str) -> int | None:
    """`90`, `90s`, `1m30s` or `1h2m3s` in milliseconds; None for anything else."""
    found = MOMENT.fullmatch(text)
    if not text or found is None:
        return None
    hours, minutes_, seconds = (int(part or 0) for part in found.groups())
    return ((hours * 60 + minutes_) * 60 + seconds) * 1000

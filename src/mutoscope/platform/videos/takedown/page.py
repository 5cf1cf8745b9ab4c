"""What stands at the address of a film that was taken down."""

from __future__ import annotations

from http import HTTPStatus

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render

from mutoscope.platform.videos.domain.rights import Question, Reason
from mutoscope.platform.videos.models import Video
from mutoscope.platform.videos.watch.ports import may_watch


def taken_down_page(request: HttpRequest, film: Video) -> HttpResponse:
    """Its creator is led to where the reason stands; others are told, if they could ever see it."""
    person_id = request.user.pk if request.user.is_authenticated else None
    if person_id is not None and person_id == film.channel.owner_id:
        return redirect("studio-film", public_id=film.public_id)
    if film.published_at is None:
        raise Http404
    # As if it were withdrawn: then whoever bought it would still watch it.
    bought = Question(person_id, film.pk, film.channel.owner_id, is_free=film.is_free, is_public=False)
    has_unlocked = may_watch.get()(bought).reason is Reason.UNLOCKED
    context = {"channel": film.channel, "has_unlocked": has_unlocked}
    response = render(request, "videos/takedown/gone.html", context, status=HTTPStatus.GONE)
    # It may be back tomorrow.
    response["Cache-Control"] = "no-store"
    return response

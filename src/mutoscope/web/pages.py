"""Pages that belong to no context: the home page, and the gallery of components."""

from __future__ import annotations

from django.conf import settings
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_safe

from mutoscope.platform.accounts.public import newest_channels
from mutoscope.platform.videos.public import continue_watching, featured_film, film_cards, newest_videos
from mutoscope.web.gallery import gallery_context

CHANNELS_SHOWN = 12
FILMS_SHOWN = 24
ROW = 8


@require_safe
def home(request: HttpRequest) -> HttpResponse:
    """A featured film, then rows. A site without films says what comes next, to staff and to others."""
    person_id = request.user.pk if request.user.is_authenticated else None
    films = newest_videos(FILMS_SHOWN)
    began, positions = continue_watching(person_id, ROW) if person_id is not None else ([], {})
    featured = featured_film(films[0]) if films else None
    context = {
        "featured": featured,
        "films": film_cards(films, person_id),
        "continue_films": film_cards(began, person_id, positions),
        "channels": newest_channels(CHANNELS_SHOWN),
        "fee_percent": f"{settings.FEE_BPS / 100:g}",
    }
    return render(request, "home.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
def gallery(request: HttpRequest) -> HttpResponse:
    """Every component in every state, for looking at and for testing. In a sandbox only."""
    if not settings.SANDBOX:
        raise Http404
    if request.method == "POST":
        messages.success(request, "Saved. This is what a toast looks like.")
        return redirect("gallery")
    if request.GET.get("part") == "progress":
        part = {"id": "packaging", "percent": 90, "words": "Packaging, 90 %, a few seconds"}
        return render(request, "components/progress.html", part)
    return render(request, "gallery.html", gallery_context())

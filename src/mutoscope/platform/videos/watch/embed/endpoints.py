"""The player inside another site's page, and oEmbed, by which other sites find it."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any
from urllib.parse import urlsplit

from csp.decorators import csp_replace, csp_update
from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.urls import Resolver404, resolve, reverse
from django.utils.html import format_html
from django.views.decorators.clickjacking import xframe_options_exempt
from django.views.decorators.http import require_safe

from mutoscope.platform.videos.domain.chapters import parse_chapters
from mutoscope.platform.videos.domain.life import PUBLIC, VideoState
from mutoscope.platform.videos.models import Video
from mutoscope.platform.videos.watch.cards import address, file_address
from mutoscope.platform.videos.watch.films import ask, find_film
from mutoscope.platform.videos.watch.page.endpoints import PLAYER_POLICY, parse_moment
from mutoscope.platform.videos.watch.page.player import player_context
from mutoscope.platform.videos.watch.page.sharing import absolute

WIDTH, HEIGHT = 960, 540
SIDE_MAX = 4_096
SIDE_MIN = 200


# Browsers ask this of no other page of ours: it alone may stand in a frame of another site's.
EMBEDDED = {"frame-ancestors": ["*"]}


@require_safe
@xframe_options_exempt
@csp_replace(EMBEDDED)
@csp_update(PLAYER_POLICY)  # type: ignore[arg-type] # is typed for views without arguments
def show(request: HttpRequest, public_id: str) -> HttpResponse:
    """The player and nothing else. Browsers keep our cookies from it on most sites, so free films play; for others it
    shows the trailer and the way to the film's own page."""
    film = _public_film(public_id)
    if film is None:
        return render(request, "videos/watch/embed/gone.html", {"home": absolute("/")}, status=HTTPStatus.NOT_FOUND)
    person_id = request.user.pk if request.user.is_authenticated else None
    answer = ask(film, person_id)
    chapters = parse_chapters(film.description, film.duration_ms)
    start_ms = parse_moment(request.GET.get("t", ""))
    context = {
        "film": film,
        "url": absolute(address(film)),
        "is_embedded": True,
        "may_watch": answer.is_yes(),
        "answer": answer,
        **player_context(film, answer, chapters, person_id=person_id, start_ms=start_ms),
    }
    response = render(request, "videos/watch/embed/show.html", context)
    response["Cross-Origin-Resource-Policy"] = "cross-origin"
    # Where it stands is not told to us, and we are not told on.
    response["Cross-Origin-Opener-Policy"] = "unsafe-none"
    return response


@require_safe
def oembed(request: HttpRequest) -> HttpResponse:
    """oEmbed 1.0 for a film's address: `url`, and maybe `format`, `maxwidth` and `maxheight`. Source: oembed.com."""
    if request.GET.get("format", "json") != "json":
        return HttpResponse("Only JSON is offered.\n", status=HTTPStatus.NOT_IMPLEMENTED, content_type="text/plain")
    film = _film_at(request.GET.get("url", ""))
    if film is None:
        raise Http404
    width, height = fit(_side(request.GET.get("maxwidth")), _side(request.GET.get("maxheight")))
    frame = format_html(
        '<iframe src="{}" width="{}" height="{}" title="{}" allow="fullscreen; picture-in-picture; autoplay" allowfullscreen'
        "></iframe>",
        absolute(reverse("embed", args=[film.public_id])),
        width,
        height,
        film.title,
    )
    document: dict[str, Any] = {
        "version": "1.0",
        "type": "video",
        "title": film.title,
        "author_name": film.channel.title,
        "author_url": absolute(film.channel.get_absolute_url()),
        "provider_name": "Mutoscope",
        "provider_url": absolute("/"),
        "cache_age": 3600,
        "html": str(frame),
        "width": width,
        "height": height,
    }
    if film.cover is not None:
        document |= {
            "thumbnail_url": absolute(file_address(film.cover.file)),
            "thumbnail_width": film.cover.width,
            "thumbnail_height": film.cover.height,
        }
    response = JsonResponse(document)
    response["Access-Control-Allow-Origin"] = "*"
    response["Cross-Origin-Resource-Policy"] = "cross-origin"
    response["Cache-Control"] = "public, max-age=300"
    return response


def fit(width_max: int | None, height_max: int | None) -> tuple[int, int]:
    """The largest frame of 16:9 within both bounds, never larger than ours."""
    width = min(WIDTH, width_max or WIDTH, (height_max or HEIGHT) * 16 // 9)
    return max(1, width), max(1, width * 9 // 16)


def _side(text: str | None) -> int | None:
    """A bound in pixels; None for what is no bound."""
    if text is None or not (text.isascii() and text.isdecimal()) or len(text) > 6:
        return None
    return min(SIDE_MAX, int(text)) or None


def _public_film(public_id: str) -> Video | None:
    film = find_film(public_id)
    if film is None or VideoState(film.state) not in PUBLIC or film.edition is None:
        return None
    return film


def _film_at(url: str) -> Video | None:
    """The public film whose page or embedded player is at this address of ours."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return None
    if f"{parts.scheme}://{parts.netloc}" != settings.SITE_URL:
        return None
    try:
        match = resolve(parts.path)
    except Resolver404:
        return None
    if match.url_name not in {"watch", "watch-slug", "embed"}:
        return None
    return _public_film(match.kwargs["public_id"])

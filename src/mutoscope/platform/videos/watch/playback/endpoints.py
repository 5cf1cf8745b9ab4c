"""Beginning to play, beating, and the keys.

These answer players, not forms. A page of another site cannot make a browser send their header or know a token, so
they need no token against cross-site requests; an embedded player, whose cookies a browser may withhold, has none.
"""

from __future__ import annotations

import json
import re
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.urls import reverse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_GET, require_POST

from mutoscope.platform.videos.domain.beats import BEGINNING_MS, CREDITS_MS_MAX, BadBeat, parse_beat
from mutoscope.platform.videos.domain.places import MULTIVARIANT, PUBLIC_ID, TOKEN
from mutoscope.platform.videos.statements import fetch
from mutoscope.platform.videos.watch.failures import (
    PlaybackOver,
    TooFast,
    TooManyStreams,
    Unreadable,
    WatchingRefused,
    problem,
)
from mutoscope.platform.videos.watch.playback.giving import give_key
from mutoscope.platform.videos.watch.playback.service import (
    AGE_MAX,
    LIFETIME,
    STREAM_S,
    BeginPlayback,
    BeginPlaybackInputs,
    streams_max,
)
from mutoscope.platform.videos.watch.viewers import viewer_of

PLAYBACK_HEADER = "X-Playback"
COOKIE_PREFIX = "playback-"
# The films whose players may be going in one browser, the ones begun last: their public ids, the newest first. Sent only
# where a playback begins, so that the oldest cookie goes when one comes.
FILMS_COOKIE = "playing"
COOKIES_MAX = 8
# More come from a browser where two players began in the same moment.
COOKIES_READ_MAX = 32
BEAT_EVERY_S = 15
BODY_BYTES_MAX = 8_192
SESSION_KEY = re.compile(r"[a-z0-9]{8,64}")


@csrf_exempt
@require_POST
def begin(request: HttpRequest, public_id: str) -> HttpResponse:
    """A player begins: what to play, from where, and the token to ask for keys with."""
    if PLAYBACK_HEADER not in request.headers:
        return problem(Unreadable(why=f"The header {PLAYBACK_HEADER} is missing."))
    viewer = viewer_of(request)
    try:
        begun = BeginPlayback().call(BeginPlaybackInputs(viewer, public_id))
    except WatchingRefused as refused:
        return problem(refused)
    position_ms = None
    if viewer.person_id is not None:
        where = {"person_id": viewer.person_id, "video_id": begun.film.pk}
        position_ms = next((row[0] for row in fetch("watch/progress", "position", where)), None)
    edition = begun.edition
    document = {
        "token": begun.token,
        "playlist": reverse("film-file", args=[public_id, f"{edition.token}/{MULTIVARIANT}"]),
        "position_ms": position_ms,
        "beat_every_s": BEAT_EVERY_S,
        "is_whole": edition.whole_at is not None,
    }
    response = JsonResponse(document)
    response["Cache-Control"] = "no-store"
    _give_cookies(request, response, public_id, begun.token)
    return response


def _give_cookies(request: HttpRequest, response: HttpResponse, public_id: str, token: str) -> None:
    """For players that cannot send a header of their own, as Safari's built-in one. A script never sees them.

    Browsers send the oldest cookie first, and one that is set anew keeps its age: so it is not by their order that they are
    told apart, but by there never being more than a few.
    """
    listed = request.COOKIES.get(FILMS_COOKIE, "").split(".")
    earlier = [film for film in dict.fromkeys(listed) if film != public_id and PUBLIC_ID.fullmatch(film)]
    kept, dropped = earlier[: COOKIES_MAX - 1], earlier[COOKIES_MAX - 1 :]
    for film in dropped[:COOKIES_MAX]:
        response.delete_cookie(COOKIE_PREFIX + film, path="/keys/")
    for name, value, path in (
        (COOKIE_PREFIX + public_id, token, "/keys/"),
        (FILMS_COOKIE, ".".join([public_id, *kept]), "/playbacks/of/"),
    ):
        response.set_cookie(
            name,
            value,
            max_age=int(AGE_MAX.total_seconds()),
            path=path,
            secure=settings.SESSION_COOKIE_SECURE,
            httponly=True,
            samesite="Lax",
        )


@csrf_exempt
@require_POST
def beat(request: HttpRequest, token: str) -> HttpResponse:
    """What a player has shown since the last beat. 204, or a problem that says why it should stop."""
    try:
        said = parse_beat(_json(request))
    except BadBeat as bad:
        return problem(Unreadable(why=f"This beat cannot be read: {bad}."))
    viewer = viewer_of(request)
    parameters = {
        "token": token,
        "person_id": viewer.person_id,
        "streams_max": streams_max(viewer),
        "stream_s": STREAM_S,
        "age_s": int(AGE_MAX.total_seconds()),
        "lifetime_s": int(LIFETIME.total_seconds()),
        "is_last": said.is_last,
        "position_ms": said.position_ms,
        "credits_ms": CREDITS_MS_MAX,
        "beginning_ms": BEGINNING_MS,
        "from_ms": [start for start, _ in said.stretches],
        "to_ms": [end for _, end in said.stretches],
    }
    rows = fetch("watch/progress", "beat", parameters)
    if not rows:
        return problem(PlaybackOver())
    allowed, is_flood, *_ = rows[0]
    if is_flood:
        return problem(TooFast(retry_after_s=BEAT_EVERY_S))
    if not allowed:
        return problem(TooManyStreams(streams_max=streams_max(viewer)))
    return HttpResponse(status=204)


def _json(request: HttpRequest) -> Any:
    if len(request.body) > BODY_BYTES_MAX:
        raise BadBeat("is too long")
    try:
        # Python reads NaN and Infinity, which JSON does not know.
        return json.loads(request.body, parse_constant=_no_constant)
    except (ValueError, RecursionError):
        raise BadBeat("is not JSON") from None


def _no_constant(name: str) -> None:
    raise ValueError(name)


@require_GET
def key(request: HttpRequest, key_id: str) -> HttpResponse:
    """The 16 bytes of a key. Never kept by anybody on the way; no other site's script may read it."""
    tokens = [request.headers.get(PLAYBACK_HEADER, "")]
    cookies = [
        value for name, value in request.COOKIES.items() if name.startswith(COOKIE_PREFIX) and TOKEN.fullmatch(value)
    ]
    # The newest come last.
    tokens = [token for token in [*tokens, *cookies[-COOKIES_READ_MAX:]] if TOKEN.fullmatch(token)]
    # Read as it is: whether it stands is asked in the same query as everything else.
    session_key = request.COOKIES.get(settings.SESSION_COOKIE_NAME, "")
    if not SESSION_KEY.fullmatch(session_key):
        session_key = ""
    try:
        content = give_key(key_id, tokens, session_key)
    except WatchingRefused as refused:
        return problem(refused)
    response = HttpResponse(content, content_type="application/octet-stream")
    response["Cache-Control"] = "no-store"
    return response

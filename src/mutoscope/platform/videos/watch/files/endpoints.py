"""Published files: open to everybody, because what matters in them is encrypted; kept by everybody, because a name never
means another content."""

from __future__ import annotations

import re
from collections.abc import Iterator
from http import HTTPStatus
from typing import IO, Any

from django.core.files.storage import storages
from django.http import Http404, HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.views.decorators.http import require_safe

from mutoscope.platform.videos.domain.places import MULTIVARIANT, PLAYLIST, TOKEN
from mutoscope.platform.videos.models import Edition, Subtitle
from mutoscope.platform.videos.watch.files.playlists import media, multivariant, subtitle_playlist
from mutoscope.platform.videos.watch.files.ranges import Unsatisfiable, parse_range

TYPES = {
    "m4s": "video/iso.segment",
    "mp4": "video/mp4",
    "vtt": "text/vtt; charset=utf-8",
    "jpg": "image/jpeg",
    "webp": "image/webp",
    "json": "application/json",
}
PLAYLIST_TYPE = "application/vnd.apple.mpegurl"
A_YEAR_S = 365 * 24 * 3600
BLOCK_BYTES = 128 * 1024
# One or two folders below the film's own, and nothing that begins with a dot: no name leads out of the film.
INSIDE = re.compile(r"(?:[A-Za-z0-9][A-Za-z0-9_-]{0,63}/){0,3}[A-Za-z0-9][A-Za-z0-9_.-]{0,119}")


@require_safe
def film_file(request: HttpRequest, public_id: str, path: str) -> HttpResponseBase:
    """A file below a film's folder, or a playlist that is made as it is asked for."""
    if not INSIDE.fullmatch(path) or ".." in path:
        raise Http404
    folder, _, rest = path.partition("/")
    if path.endswith(".m3u8"):
        response: HttpResponseBase = _playlist(public_id, folder, rest)
    else:
        response = _stored(request, f"{public_id}/{path}")
    # Players on other sites read these as well; no cookie of ours is ever needed for them.
    response["Access-Control-Allow-Origin"] = "*"
    response["Access-Control-Expose-Headers"] = "Content-Length, Content-Range"
    response["Cross-Origin-Resource-Policy"] = "cross-origin"
    response["Timing-Allow-Origin"] = "*"
    return response


def _playlist(public_id: str, folder: str, rest: str) -> HttpResponse:
    if folder == "subtitles":
        stored = f"{public_id}/subtitles/{rest.removesuffix('.m3u8')}.vtt"
        subtitle = Subtitle.objects.filter(video__public_id=public_id, file=stored).select_related("video").first()
        text = subtitle and subtitle_playlist(subtitle.file, subtitle.video.duration_ms or 0)
        lasting = True
    else:
        edition = _edition(public_id, folder)
        lasting = edition.whole_at is not None and rest != MULTIVARIANT
        if rest == MULTIVARIANT:
            text = multivariant(edition, Subtitle.objects.filter(video=edition.video))
        elif rest.endswith("/" + PLAYLIST):
            text = media(edition, rest.removesuffix("/" + PLAYLIST))
        else:
            raise Http404
    if not text:
        raise Http404
    response = HttpResponse(text, content_type=PLAYLIST_TYPE)
    # The multivariant one changes when a subtitle comes; one of a film that is being made, all the time.
    response["Cache-Control"] = f"public, max-age={A_YEAR_S}, immutable" if lasting else "public, max-age=2"
    return response


def _edition(public_id: str, token: str) -> Edition:
    if not TOKEN.fullmatch(token):
        raise Http404
    edition = Edition.objects.filter(token=token, video__public_id=public_id).select_related("video").first()
    if edition is None:
        raise Http404
    return edition


def _stored(request: HttpRequest, name: str) -> HttpResponseBase:
    content_type = TYPES.get(name.rsplit(".", 1)[-1])
    if content_type is None:
        raise Http404
    etag = f'"{name.rsplit("/", 1)[-1]}"'
    if request.headers.get("If-None-Match") == etag:
        return _with_cache(HttpResponse(status=HTTPStatus.NOT_MODIFIED), etag)
    storage = storages["films"]
    try:
        file = storage.open(name)
        length = file.size
    except (OSError, ValueError):
        raise Http404 from None
    wanted = None
    # A range of another content than the one that is here would not fit: then the whole is sent.
    if request.headers.get("If-Range", etag) == etag:
        try:
            wanted = parse_range(request.headers.get("Range", ""), length)
        except Unsatisfiable:
            file.close()
            response = HttpResponse(status=HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE)
            response["Content-Range"] = f"bytes */{length}"
            return response
    first, last = wanted or (0, length - 1)
    blocks = _Blocks(file, first, last - first + 1)
    if request.method == "HEAD":
        file.close()
        sent: HttpResponseBase = HttpResponse(content_type=content_type)
    else:
        sent = StreamingHttpResponse(blocks, content_type=content_type)
    sent["Content-Length"] = str(last - first + 1)
    sent["Accept-Ranges"] = "bytes"
    if wanted is not None:
        sent.status_code = HTTPStatus.PARTIAL_CONTENT
        sent["Content-Range"] = f"bytes {first}-{last}/{length}"
    return _with_cache(sent, etag)


class _Blocks:
    """A stretch of a file in blocks; closes the file when the answer is over, however it ends."""

    def __init__(self, file: IO[bytes] | Any, first: int, length: int) -> None:
        self.file, self.first, self.left = file, first, length

    def __iter__(self) -> Iterator[bytes]:
        self.file.seek(self.first)
        while self.left > 0 and (block := self.file.read(min(BLOCK_BYTES, self.left))):
            self.left -= len(block)
            yield block

    def close(self) -> None:
        self.file.close()


def _with_cache(response: HttpResponseBase, etag: str) -> HttpResponseBase:
    response["ETag"] = etag
    response["Cache-Control"] = f"public, max-age={A_YEAR_S}, immutable"
    return response

"""Published files: open to everybody, because what matters in them is encrypted; kept by everybody, because a name never
means another content. Of a film that the operator has taken down, only what nobody can read without a key."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from http import HTTPStatus
from typing import IO, Any

from django.core.files.storage import storages
from django.http import Http404, HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.views.decorators.http import require_safe

from mutoscope.platform.videos.domain.places import IFRAMES, MULTIVARIANT, PLAYLIST, TOKEN
from mutoscope.platform.videos.models import Edition, Subtitle
from mutoscope.platform.videos.process import preview
from mutoscope.platform.videos.watch.files.ranges import Unsatisfiable, parse_range
from mutoscope.platform.videos.watch.films import is_taken_down

TYPES = {
    "m4s": "video/iso.segment",
    "mp4": "video/mp4",
    "vtt": "text/vtt; charset=utf-8",
    "jpg": "image/jpeg",
    "webp": "image/webp",
    "json": "application/json",
    "m3u8": "application/vnd.apple.mpegurl",
}
SUBTITLES = "subtitles"
ENCRYPTED = ".m4s"
PLAYLIST_TYPE = TYPES["m3u8"]
A_YEAR_S = 365 * 24 * 3600
BLOCK_BYTES = 128 * 1024
# One or two folders below the film's own, and nothing that begins with a dot: no name leads out of the film.
INSIDE = re.compile(r"(?:[A-Za-z0-9][A-Za-z0-9_-]{0,63}/){0,3}[A-Za-z0-9][A-Za-z0-9_.-]{0,119}")


@require_safe
def film_file(request: HttpRequest, public_id: str, path: str) -> HttpResponseBase:
    """A file below a film's folder, or a playlist that is made as it is asked for."""
    if not INSIDE.fullmatch(path) or ".." in path:
        raise Http404
    # Segments, which are most of what is asked for, are encrypted; covers, trailers and subtitles are not.
    if not path.endswith(ENCRYPTED) and is_taken_down(public_id):
        raise Http404
    folder, _, rest = path.partition("/")
    # The playlist of pictures alone is in no table, only among the files.
    if TOKEN.fullmatch(folder) and _is_made(rest):
        response: HttpResponseBase = _made(_edition(public_id, folder), rest)
    else:
        response = _stored(request, f"{public_id}/{path}")
    # Players on other sites read these as well; no cookie of ours is ever needed for them.
    response["Access-Control-Allow-Origin"] = "*"
    response["Access-Control-Expose-Headers"] = "Content-Length, Content-Range"
    response["Cross-Origin-Resource-Policy"] = "cross-origin"
    response["Timing-Allow-Origin"] = "*"
    return response


def _is_made(rest: str) -> bool:
    folder, _, name = rest.rpartition("/")
    return rest == MULTIVARIANT or folder == SUBTITLES or (name == PLAYLIST and folder != IFRAMES)


def _made(edition: Edition, rest: str) -> HttpResponse:
    """A playlist or a subtitle, from rows: so that subtitles which came later are in, and what is being made plays."""
    folder, _, name = rest.rpartition("/")
    lasting = edition.whole_at is not None
    content_type = PLAYLIST_TYPE
    try:
        if rest == MULTIVARIANT:
            # The one that changes when a subtitle comes.
            text, lasting = preview.multivariant(edition), False
        elif folder == SUBTITLES:
            subtitle = _subtitle(edition, name)
            if name.endswith(".vtt"):
                with storages["films"].open(subtitle.file) as file:
                    text, content_type = file.read().decode(), TYPES["vtt"]
            else:
                text = preview.subtitles(subtitle, edition)
        elif name == PLAYLIST:
            text = preview.media(edition, folder)
        else:
            raise Http404
    except (preview.NothingYet, OSError):
        raise Http404 from None
    response = HttpResponse(text, content_type=content_type)
    response["Cache-Control"] = f"public, max-age={A_YEAR_S}, immutable" if lasting else "public, max-age=2"
    return response


def _edition(public_id: str, token: str) -> Edition:
    edition = Edition.objects.filter(token=token, video__public_id=public_id).select_related("video").first()
    if edition is None:
        raise Http404
    return edition


def _subtitle(edition: Edition, name: str) -> Subtitle:
    number = name.rpartition(".")[0]
    if not (number.isascii() and number.isdecimal()) or len(number) > 18:
        raise Http404
    subtitle = Subtitle.objects.filter(pk=int(number), video=edition.video_id).first()
    if subtitle is None:
        raise Http404
    return subtitle


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
    stretch = Stretch(file, first, last - first + 1)
    if request.method == "HEAD":
        file.close()
        sent: HttpResponseBase = HttpResponse(content_type=content_type)
    else:
        sent = StreamingHttpResponse(stretch, content_type=content_type)
        # A server that can send a stretch of a file by itself is given it, and keeps none of its threads for that.
        sent.file_to_stream, sent.block_size = stretch, BLOCK_BYTES  # type: ignore[attr-defined]
    sent["Content-Length"] = str(last - first + 1)
    sent["Accept-Ranges"] = "bytes"
    if wanted is not None:
        sent.status_code = HTTPStatus.PARTIAL_CONTENT
        sent["Content-Range"] = f"bytes {first}-{last}/{length}"
    return _with_cache(sent, etag)


class Stretch:
    """A stretch of a file, from byte `first`; closes the file when the answer is over, however it ends."""

    def __init__(self, file: IO[bytes] | Any, first: int, length: int) -> None:
        self.file, self.first, self.left = file, first, length
        # Where it is, if it is a file of this machine.
        is_here = isinstance(getattr(file, "file", file), io.BufferedReader)
        self.path = str(file.name) if is_here else None

    def read(self, size: int = BLOCK_BYTES) -> bytes:
        self.file.seek(self.first)
        block: bytes = self.file.read(min(size, self.left))
        self.first, self.left = self.first + len(block), self.left - len(block)
        return block

    def __iter__(self) -> Iterator[bytes]:
        while block := self.read():
            yield block

    def close(self) -> None:
        self.file.close()


def _with_cache(response: HttpResponseBase, etag: str) -> HttpResponseBase:
    response["ETag"] = etag
    response["Cache-Control"] = f"public, max-age={A_YEAR_S}, immutable"
    return response

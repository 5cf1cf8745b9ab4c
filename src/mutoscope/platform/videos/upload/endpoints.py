"""The tus protocol 1.0 over HTTP: creation, core, termination, checksum, expiration.

Every answer carries Tus-Resumable. A refusal is a problem detail (RFC 9457), whose `detail` a page may show.
"""

from __future__ import annotations

import functools
import threading
from collections.abc import Callable
from datetime import datetime
from http import HTTPStatus
from typing import cast

from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.urls import reverse
from django.utils.http import http_date

from mutoscope.platform.accounts.public import Person, channel_of
from mutoscope.platform.videos.failures import NoSuchVideo, NotNow, NotSafeHere, Refused
from mutoscope.platform.videos.models import Upload
from mutoscope.platform.videos.upload import appending, protocol
from mutoscope.platform.videos.upload.failures import (
    AlreadyShown,
    DiskFull,
    Ended,
    NoRoom,
    NotYours,
    TooLarge,
    TooMuch,
    WrongChecksum,
    WrongOffset,
)
from mutoscope.platform.videos.upload.service import (
    BeginUpload,
    BeginUploadInputs,
    EndUpload,
    EndUploadInputs,
    finish_if_whole,
)

# Of tus 1.0's checksum extension.
CHECKSUM_MISMATCH = 460
STATUSES: dict[type[Refused], int] = {
    TooLarge: HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    TooMuch: HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    NoRoom: HTTPStatus.FORBIDDEN,
    NotSafeHere: HTTPStatus.FORBIDDEN,
    DiskFull: HTTPStatus.INSUFFICIENT_STORAGE,
    NotYours: HTTPStatus.NOT_FOUND,
    NoSuchVideo: HTTPStatus.NOT_FOUND,
    NotNow: HTTPStatus.CONFLICT,
    AlreadyShown: HTTPStatus.CONFLICT,
    Ended: HTTPStatus.GONE,
    WrongOffset: HTTPStatus.CONFLICT,
    WrongChecksum: CHECKSUM_MISMATCH,
}
RETRY_AFTER_S = 2

View = Callable[..., HttpResponse]


class _Writers:
    """How many requests of this process may be waiting for bytes: the others are for everybody else."""

    def __init__(self) -> None:
        self.free: threading.BoundedSemaphore | None = None

    def take(self) -> bool:
        if self.free is None:
            self.free = threading.BoundedSemaphore(max(1, settings.ENVIRONMENT.web_threads // 2))
        return self.free.acquire(blocking=False)

    def give_back(self) -> None:
        assert self.free is not None
        self.free.release()


_writers = _Writers()


def tus(view: View) -> View:
    """Checks what all requests share, and puts refusals into the protocol's words."""

    @functools.wraps(view)
    def answer(request: HttpRequest, **arguments: str) -> HttpResponse:
        try:
            response = _checked(view, request, **arguments)
        except protocol.Unreadable as problem:
            response = refusal(HTTPStatus.BAD_REQUEST, "unreadable", str(problem))
        except Refused as refused:
            status = STATUSES[type(refused)]
            response = refusal(status, type(refused).__name__, refused.sentence())
            if isinstance(refused, WrongOffset):
                response["Upload-Offset"] = str(refused.expected)
            if isinstance(refused, DiskFull):
                response["Retry-After"] = "60"
        response["Tus-Resumable"] = protocol.VERSION
        response["Cache-Control"] = "no-store"
        return response

    return answer


def _checked(view: View, request: HttpRequest, **arguments: str) -> HttpResponse:
    if request.method != "OPTIONS" and request.headers.get("Tus-Resumable") != protocol.VERSION:
        response = refusal(HTTPStatus.PRECONDITION_FAILED, "version", f"This server speaks tus {protocol.VERSION}.")
        response["Tus-Version"] = protocol.VERSION
        return response
    if not request.user.is_authenticated and request.method != "OPTIONS":
        return refusal(HTTPStatus.UNAUTHORIZED, "sign-in", "Sign in again, then go on: what was sent is kept.")
    return view(request, **arguments)


def refusal(status: int, kind: str, sentence: str) -> HttpResponse:
    """A problem detail."""
    document = {"type": f"urn:mutoscope:upload:{kind}", "title": "Upload refused", "status": status, "detail": sentence}
    return JsonResponse(document, status=status, content_type="application/problem+json")


@tus
def uploads(request: HttpRequest) -> HttpResponse:
    """OPTIONS says what is known here; POST begins an upload and answers with its address."""
    match request.method:
        case "OPTIONS":
            response = HttpResponse(status=HTTPStatus.NO_CONTENT)
            response["Tus-Version"] = protocol.VERSION
            response["Tus-Extension"] = ",".join(protocol.EXTENSIONS)
            response["Tus-Checksum-Algorithm"] = ",".join(protocol.CHECKSUMS)
            response["Tus-Max-Size"] = str(settings.UPLOAD_BYTES_MAX)
            return response
        case "POST":
            return _begin(request)
    return _not_allowed("OPTIONS, POST")


def _begin(request: HttpRequest) -> HttpResponse:
    owner = cast("Person", request.user)
    channel = channel_of(owner)
    if channel is None:
        return refusal(HTTPStatus.FORBIDDEN, "no-channel", "Open a channel first: films belong to one.")
    if "Upload-Concat" in request.headers:
        # Taken for whole, each part would become a film of its own.
        raise protocol.Unreadable("Upload-Concat: parts are not put together here. Send the file whole.")
    length = protocol.parse_size(request.headers, "Upload-Length")
    if length == 0:
        raise protocol.Unreadable("This file is empty.")
    metadata = protocol.parse_metadata(request.headers.get("Upload-Metadata", ""))
    inputs = BeginUploadInputs(owner, channel, length, metadata.get("filename", ""), metadata.get("video"))
    upload = BeginUpload().call(inputs).upload
    response = HttpResponse(status=HTTPStatus.CREATED)
    response["Location"] = reverse("upload", args=[upload.token])
    response["Upload-Offset"] = "0"
    response["Upload-Expires"] = _moment(upload.expires_at)
    response["Upload-Video"] = upload.video.public_id
    return response


@tus
def upload(request: HttpRequest, token: str) -> HttpResponse:
    """HEAD says how far it is, PATCH adds to it, DELETE ends it."""
    owner = cast("Person", request.user)
    # Some networks let only GET and POST through.
    method = (
        request.headers.get("X-HTTP-Method-Override", request.method) if request.method == "POST" else request.method
    )
    if method not in ("HEAD", "PATCH", "DELETE"):
        return _not_allowed("HEAD, PATCH, DELETE")
    found = Upload.objects.filter(token=token, owner=owner).select_related("video").first()
    if found is None:
        raise NotYours
    if method == "HEAD":
        return _how_far(found)
    if method == "PATCH":
        return _add(request, found)
    EndUpload().call(EndUploadInputs(found))
    return HttpResponse(status=HTTPStatus.NO_CONTENT)


def _how_far(found: Upload) -> HttpResponse:
    if found.state == Upload.State.ENDED:
        raise Ended
    finish_if_whole(found, found.offset_bytes)
    response = HttpResponse(status=HTTPStatus.OK)
    response["Upload-Offset"] = str(found.offset_bytes)
    response["Upload-Length"] = str(found.length_bytes)
    response["Upload-Expires"] = _moment(found.expires_at)
    response["Upload-Video"] = found.video.public_id
    return response


def _add(request: HttpRequest, found: Upload) -> HttpResponse:
    if request.content_type != protocol.CHUNK_TYPE:
        return refusal(
            HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "content-type", f"Content-Type has to be {protocol.CHUNK_TYPE}."
        )
    offset = protocol.parse_size(request.headers, "Upload-Offset")
    checksum = protocol.parse_checksum(request.headers.get("Upload-Checksum"))
    if not _writers.take():
        response = refusal(HTTPStatus.SERVICE_UNAVAILABLE, "busy", "Many files are coming in. Wait a moment.")
        response["Retry-After"] = str(RETRY_AFTER_S)
        return response
    try:
        writing = appending.take_over(found, offset)
        try:
            end = appending.append(writing, request, checksum)
        except OSError:
            # The client went away. What came is kept; nobody reads this answer.
            return refusal(HTTPStatus.BAD_REQUEST, "cut-short", "The connection broke. Go on where the file ends.")
    finally:
        _writers.give_back()
    finish_if_whole(found, end)
    response = HttpResponse(status=HTTPStatus.NO_CONTENT)
    response["Upload-Offset"] = str(end)
    return response


def _not_allowed(methods: str) -> HttpResponse:
    response = refusal(HTTPStatus.METHOD_NOT_ALLOWED, "method", f"Only {methods} are answered here.")
    response["Allow"] = methods
    return response


def _moment(moment: datetime) -> str:
    return http_date(moment.timestamp())

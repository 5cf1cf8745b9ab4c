"""Refusing what no honest browser sends, before anything parses it. Every look here is linear in what arrived."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from http import HTTPStatus
from urllib.parse import unquote_to_bytes

import structlog
from django.conf import settings
from django.http import HttpRequest, HttpResponse, UnreadablePostError

from mutoscope.web.observe.metrics import REFUSED

log = structlog.get_logger(__name__)

PATH_BYTES_MAX = 2_048
QUERY_BYTES_MAX = 8_192
HEADER_BYTES_MAX = 16_384
HEADERS_MAX = 64
JSON_DEPTH_MAX = 64
# A part of a resumable upload is written to the disk block by block (platform/videos/upload).
PART_OF_AN_UPLOAD = "application/offset+octet-stream"

# A string ends at its quote or, in broken JSON, with the text: so each byte is looked at once.
JSON_STRING = re.compile(rb'"(?:[^"\\]|\\.)*+(?:"|\Z)', re.DOTALL)
BRACKET = re.compile(rb"[\[\]{}]")

GetResponse = Callable[[HttpRequest], HttpResponse]


class Refused(Exception):
    """The request is refused. `reason` is a short constant for logs and metrics, `message` is for people."""

    def __init__(self, status: HTTPStatus, reason: str, message: str) -> None:
        self.status = status
        self.reason = reason
        super().__init__(message)


class GuardMiddleware:
    """Turns each refusal into a plain answer with the right status. What was sent is not repeated anywhere.

    ErrorPagesMiddleware, around it, gives a browser a page instead.
    """

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        try:
            check_target(request)
            check_headers(request)
            try:
                check_body(request)
            except UnreadablePostError:
                cut = "The request's body did not arrive whole."
                raise Refused(HTTPStatus.BAD_REQUEST, "cut-short", cut) from None
        except Refused as refusal:
            REFUSED.labels(refusal.reason).inc()
            log.info("refused", action="refuse", reason=refusal.reason, status=int(refusal.status))
            return answer(request, refusal)
        return self.get_response(request)


def answer(request: HttpRequest, refusal: Refused) -> HttpResponse:
    """A sentence; for a program that asks an API, problem details (RFC 9457), as all its errors are."""
    if not request.path_info.startswith("/api/"):
        return HttpResponse(f"{refusal}\n", status=refusal.status, content_type="text/plain; charset=utf-8")
    status = int(refusal.status)
    document = {"type": "about:blank", "title": refusal.status.phrase, "status": status, "detail": str(refusal)}
    return HttpResponse(json.dumps(document), status=status, content_type="application/problem+json")


def check_target(request: HttpRequest) -> None:
    """The path and the query: bounded, UTF-8, no NUL."""
    # Django has decoded the path already; bytes that are not UTF-8 were left percent-encoded and find no page.
    path = request.path_info.encode()
    query = request.META.get("QUERY_STRING", "").encode("latin-1", "replace")
    if len(path) > PATH_BYTES_MAX or len(query) > QUERY_BYTES_MAX:
        raise Refused(HTTPStatus.REQUEST_URI_TOO_LONG, "long-address", "The address is too long.")
    _check_text(path, "address")
    _check_text(unquote_to_bytes(query), "query")


def check_headers(request: HttpRequest) -> None:
    """Number and size of headers; the web server has its own, larger bound on the whole block."""
    headers = [(name, value) for name, value in request.META.items() if name.startswith("HTTP_")]
    if len(headers) > HEADERS_MAX:
        raise Refused(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, "many-headers", "There are too many headers.")
    for name, value in headers:
        if len(value) > HEADER_BYTES_MAX:
            label = name.removeprefix("HTTP_").replace("_", "-").title()
            raise Refused(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, "long-header", f"The header {label} is too long.")


def check_body(request: HttpRequest) -> None:
    """The declared length against the bound, before a byte of the body is read; then what a form or JSON may not hold."""
    declared = request.META.get("CONTENT_LENGTH") or "0"
    # isdecimal() alone would let other scripts' digits through, which int() reads as well.
    if not (declared.isascii() and declared.isdecimal()):
        raise Refused(HTTPStatus.BAD_REQUEST, "content-length", "The header Content-Length is not a number.")
    kind = request.content_type or ""
    if len(declared) > 12 or int(declared) > body_bytes_max(kind):
        raise Refused(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "long-body", "The request's body is too large.")
    if int(declared) == 0:
        return
    if kind == "application/x-www-form-urlencoded":
        if request.body.count(b"&") >= settings.DATA_UPLOAD_MAX_NUMBER_FIELDS:
            # Django would refuse it as well, and log it as an error of ours.
            raise Refused(HTTPStatus.BAD_REQUEST, "many-fields", "The form has too many fields.")
        _check_text(unquote_to_bytes(request.body.replace(b"+", b" ")), "form")
    elif kind == "application/json":
        check_json_depth(request.body)
    elif kind == "multipart/form-data":
        # Django reads it here once and for all, with its own bounds on fields and files; CSRF would have it read next.
        for _, values in request.POST.lists():
            for value in values:
                _check_text(value.encode(errors="replace"), "form")


def body_bytes_max(kind: str) -> int:
    """How long a body of this content type may be."""
    if kind == "multipart/form-data":
        # A form with files streams its files to disk and is bounded by what each upload field allows.
        return int(settings.FORM_UPLOAD_BYTES_MAX)
    if kind == PART_OF_AN_UPLOAD:
        return int(settings.UPLOAD_CHUNK_BYTES_MAX)
    return int(settings.DATA_UPLOAD_MAX_MEMORY_SIZE)


def check_json_depth(body: bytes, depth_max: int = JSON_DEPTH_MAX) -> None:
    """Refuse JSON nested deeper than any of ours, in one pass and without building it."""
    depth = 0
    for bracket in BRACKET.findall(JSON_STRING.sub(b"", body)):
        depth += 1 if bracket in b"[{" else -1
        if depth > depth_max:
            raise Refused(HTTPStatus.BAD_REQUEST, "deep-json", f"The JSON is nested deeper than {depth_max} levels.")


def _check_text(content: bytes, what: str) -> None:
    if b"\0" in content:
        raise Refused(HTTPStatus.BAD_REQUEST, "nul", f"The {what} holds a NUL character.")
    try:
        content.decode()
    except UnicodeDecodeError:
        raise Refused(HTTPStatus.BAD_REQUEST, "not-utf-8", f"The {what} is not UTF-8.") from None

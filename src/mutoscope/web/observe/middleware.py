"""One id, one log line and two numbers for each request."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from urllib.parse import quote

import structlog
import uuid_utils
from django.conf import settings
from django.http import HttpRequest, HttpResponse

from mutoscope.web.observe.metrics import DURATION, REQUESTS

log = structlog.get_logger("mutoscope.request")

GIVEN_ID = re.compile(r"[A-Za-z0-9-]{8,64}")
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
# Probes come every few seconds and would drown everything else.
QUIET_VIEWS = frozenset({"livez", "readyz", "metrics"})

GetResponse = Callable[[HttpRequest], HttpResponse]


class ObserveMiddleware:
    """Outermost of all, so that its clock and its id cover everything. The query string is never logged: it may hold
    a secret, and the view's name with the path says enough."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        began = time.perf_counter()
        request_id = self._request_id(request)
        structlog.contextvars.clear_contextvars()
        structlog.contextvars.bind_contextvars(request_id=request_id)
        response = self.get_response(request)
        took_s = time.perf_counter() - began
        view = request.resolver_match.view_name if request.resolver_match else "none"
        method = request.method if request.method in METHODS else "other"
        REQUESTS.labels(method, view, str(response.status_code)).inc()
        DURATION.labels(view).observe(took_s)
        response["X-Request-ID"] = request_id
        if view not in QUIET_VIEWS or response.status_code >= 500:
            log.info(
                "request",
                action="request",
                method=method,
                # Quoted, so that no line break or escape sequence of a stranger's reaches a terminal.
                path=quote(request.path[:200], safe="/@:"),
                view=view,
                status=response.status_code,
                duration_ms=round(took_s * 1000, 1),
                person=_person(request),
            )
        return response

    def _request_id(self, request: HttpRequest) -> str:
        """The proxy's id when a proxy of ours gave one, else a new one that sorts by time."""
        given = request.headers.get("X-Request-ID", "")
        if settings.ENVIRONMENT.trusted_proxies and GIVEN_ID.fullmatch(given):
            return given
        return str(uuid_utils.uuid7())


def _person(request: HttpRequest) -> int | None:
    """Who asked, if any view wanted to know; looking it up for the log alone would cost two queries."""
    cached = getattr(request, "_cached_user", None)
    return getattr(cached, "pk", None)

"""The site's addresses, and some that fail in ways the site should not."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.urls import include, path


def raise_error(request: HttpRequest) -> HttpResponse:
    raise RuntimeError("on purpose")


def answer(request: HttpRequest, status: int) -> HttpResponse:
    return HttpResponse(status=status)


urlpatterns = [
    path("broken/", raise_error),
    path("status/<int:status>/", answer),
    path("", include("mutoscope.web.urls")),
]
handler400 = "mutoscope.web.errors.bad_request"
handler403 = "mutoscope.web.errors.forbidden"
handler404 = "mutoscope.web.errors.not_found"
handler500 = "mutoscope.web.errors.server_error"

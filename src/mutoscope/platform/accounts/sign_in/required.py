"""Pages for who is signed in."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Concatenate, ParamSpec
from urllib.parse import urlsplit

from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.utils.http import url_has_allowed_host_and_scheme

P = ParamSpec("P")
View = Callable[Concatenate[HttpRequest, P], HttpResponseBase]


def login_required(view: View[P]) -> View[P]:
    """As Django's, for pages that are left open: whoever was signed out meanwhile signs in and is back on a page.

    Django leads back to the very address that was asked for, which for a form's is one that nobody can look at; and htmx would paste the
    page to sign in into the part that it asked for.
    """

    @wraps(view)
    def wrapped(request: HttpRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
        if request.user.is_authenticated:
            return view(request, *args, **kwargs)
        return to_sign_in(request, _way_back(request))

    return wrapped


def to_sign_in(request: HttpRequest, back: str) -> HttpResponse:
    """The whole page goes to sign in, also where htmx asks for a part of it; and then to `back`."""
    away = redirect_to_login(back)
    if "HX-Request" in request.headers:
        return HttpResponse(headers={"HX-Redirect": away["Location"]})
    return away


def _way_back(request: HttpRequest) -> str:
    """The page that was asked for, or the one that the form or the part stands on."""
    if request.method in ("GET", "HEAD") and "HX-Request" not in request.headers:
        return request.get_full_path()
    page = request.headers.get("HX-Current-URL") or request.headers.get("Referer", "")
    if not url_has_allowed_host_and_scheme(page, {request.get_host()}, require_https=request.is_secure()):
        return "/"
    parts = urlsplit(page)
    if not parts.path.startswith("/"):
        return "/"
    return parts.path + (f"?{parts.query}" if parts.query else "")

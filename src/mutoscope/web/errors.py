"""Every page that says something went wrong: what happened, and what the person can do now."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus

from allauth.account.adapter import get_adapter
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.cache import patch_vary_headers


@dataclass(frozen=True)
class Words:
    title: str
    what: str
    now: str


WORDS = {
    400: Words(
        "That request could not be read",
        "Something in it was damaged on the way here.",
        "Go back and try again. If it was a link, it may have been cut off.",
    ),
    403: Words(
        "This door is closed to you",
        "This page is for somebody with other rights than yours.",
        "Sign in with another account, or go back to the films.",
    ),
    404: Words(
        "Nothing is showing here",
        "The address is wrong, or what was here is gone.",
        "Check the address, or go back to the films.",
    ),
    405: Words(
        "This page cannot be used that way",
        "The address is right, but it does not take this kind of request.",
        "Go back and use the page's own buttons.",
    ),
    413: Words(
        "That was too much at once",
        "What you sent is larger than this page takes. Nothing was saved.",
        "Go back and send a smaller file or a shorter text.",
    ),
    414: Words(
        "That address is too long",
        "Nobody can read an address of this length.",
        "Check the link, or go back to the films.",
    ),
    429: Words(
        "A little slower, please",
        "This was tried too often in a short time, so the door is shut for a moment.",
        "Wait a minute, then try again. What you had typed is still on the page before this one.",
    ),
    431: Words(
        "Your browser sent too much",
        "The headers of this request are larger than this site takes.",
        "Delete this site's cookies in your browser, then try again.",
    ),
    500: Words(
        "The film tore",
        "Something broke on our side. It has been written down for the operator.",
        "Try again in a minute. Nothing that you did was half done.",
    ),
    503: Words(
        "Back in a moment",
        "The site is being looked after, or has more visitors than it can serve.",
        "Try again in a minute.",
    ),
}

# These are shown when little else works: no session, no database, no signed-in person.
WITHOUT_DATABASE = {500, 503}


def error_page(request: HttpRequest, status: int) -> HttpResponse:
    """The designed page for an HTTP status. Also for views and middleware that refuse a request themselves."""
    words = WORDS.get(status) or WORDS[500 if status >= 500 else 400]
    context = {"status": status, "words": words, "request_path": request.path}
    if status in WITHOUT_DATABASE:
        html = render_to_string("errors/bare.html", context)
    else:
        html = render_to_string("errors/page.html", context, request)
    return HttpResponse(html, status=status)


def bad_request(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    return error_page(request, 400)


def forbidden(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    return error_page(request, 403)


def not_found(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    return error_page(request, 404)


def server_error(request: HttpRequest) -> HttpResponse:
    return error_page(request, 500)


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """The form's token did not fit. Says why, and leads back to where the input still is; repeats none of it.

    Signing in twice, in two tabs without JavaScript, ends here as well: the person is signed in and is sent on.
    """
    if request.path == reverse("account_login") and request.user.is_authenticated:
        wanted = request.POST.get("next") or request.GET.get("next") or "/"
        return HttpResponseRedirect(wanted if get_adapter(request).is_safe_url(wanted) else "/")
    if "HX-Request" in request.headers:
        # A part of a page has no room for a page, and nothing but the whole page brings a new token.
        messages.warning(
            request, "Nothing was sent: this page had been open for too long. It is fresh now, so try again."
        )
        return HttpResponse(status=HTTPStatus.FORBIDDEN, headers={"HX-Refresh": "true"})
    has_cookie = "CSRF_COOKIE" in request.META
    # The same address again: what this form is posted to also shows it.
    context = {"has_cookie": has_cookie, "form_address": request.path}
    html = render_to_string("errors/csrf.html", context, request)
    return HttpResponse(html, status=HTTPStatus.FORBIDDEN)


class ErrorPagesMiddleware:
    """Dress up refusals that come without a page: a bare 405 from a decorator, a 413 from a guard.

    Only for a browser that asks for a page; a script or an API gets the answer as it is.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        if response.status_code not in WORDS or response.streaming or not _is_bare(response):
            return response
        # A browser names text/html; curl and scripts say */* or nothing and get the answer as it is.
        if "HX-Request" in request.headers or "text/html" not in request.headers.get("Accept", ""):
            return response
        page = error_page(request, response.status_code)
        for name in ("Allow", "Retry-After"):
            if name in response:
                page[name] = response[name]
        patch_vary_headers(page, ["Accept"])
        return page


def _is_bare(response: HttpResponse) -> bool:
    return not response.content or response.headers.get("Content-Type", "").startswith("text/plain")

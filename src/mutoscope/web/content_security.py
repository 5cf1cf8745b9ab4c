"""What a browser may do with our pages: the content security policy and the other security headers.

Decision: docs/decisions/0102-a-second-content-policy-for-the-operator-pages.md
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from csp.constants import NONCE, NONE, SELF, STRICT_DYNAMIC
from csp.middleware import CSPMiddleware, PolicyParts
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase

OPERATOR_PREFIX = "/operator/"

POLICY: dict[str, Any] = {
    "DIRECTIVES": {
        "default-src": [NONE],
        # A script runs when this response gave it its nonce, or when such a script loaded it.
        "script-src": [NONCE, STRICT_DYNAMIC],
        "style-src": [SELF],
        "img-src": [SELF],
        "font-src": [SELF],
        "connect-src": [SELF],
        "media-src": [SELF, "blob:"],
        "worker-src": [SELF, "blob:"],
        "manifest-src": [SELF],
        "form-action": [SELF],
        "frame-ancestors": [NONE],
        "base-uri": [NONE],
    }
}

PERMISSIONS = ", ".join(
    [
        *(
            f"{feature}=()"
            for feature in ("camera", "microphone", "geolocation", "payment", "usb", "midi", "serial", "hid")
        ),
        *(
            f"{feature}=(self)"
            for feature in (
                "autoplay",
                "fullscreen",
                "picture-in-picture",
                "publickey-credentials-create",
                "publickey-credentials-get",
            )
        ),
    ]
)


class ContentSecurityMiddleware(CSPMiddleware):
    """django-csp's, with a second policy for Django's admin, whose pages know no nonces but load their scripts from files."""

    def get_policy_parts(
        self, request: HttpRequest, response: HttpResponseBase, report_only: bool = False
    ) -> PolicyParts:
        parts = super().get_policy_parts(request, response, report_only)
        if request.path_info.startswith(OPERATOR_PREFIX):
            parts.replace = {**(parts.replace or {}), "script-src": [SELF]}
            parts.nonce = None
        return parts


class SecurityHeadersMiddleware:
    """The headers that Django's own SecurityMiddleware does not know."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        response.headers.setdefault("Cross-Origin-Resource-Policy", "same-origin")
        response.headers.setdefault("Permissions-Policy", PERMISSIONS)
        # Pages are made for one person at one moment. A redirect is not even kept for the Back button: it would send people
        # in circles after what it depended on has changed.
        kept = "no-store" if 300 <= response.status_code < 400 else "private, no-cache"
        response.headers.setdefault("Cache-Control", kept)
        return response

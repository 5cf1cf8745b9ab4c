"""Who is watching: the person, and the sign-in that playbacks are bound to."""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass

from django.conf import settings
from django.http import HttpRequest


@dataclass(frozen=True)
class Viewer:
    """`key` is what streams are counted by; `sign_in_digest` is empty for somebody who is not signed in."""

    person_id: int | None
    key: str
    sign_in_digest: str


def viewer_of(request: HttpRequest) -> Viewer:
    """Who asks. Reads the session and the person: two queries, unless somebody asked before."""
    if request.user.is_authenticated:
        return Viewer(request.user.pk, f"p:{request.user.pk}", sign_in_digest(request.session.session_key or ""))
    return Viewer(None, f"a:{_address_digest(request)}", "")


def sign_in_digest(session_key: str) -> str:
    """What a playback keeps of the session key: it fits, and opens nothing."""
    return hashlib.sha256(session_key.encode()).hexdigest()


def _address_digest(request: HttpRequest) -> str:
    """The address is counted by, not kept: without the site's secret nobody gets it back."""
    address = request.META.get("REMOTE_ADDR", "")
    return hmac.new(settings.SECRET_KEY.encode(), f"viewer:{address}".encode(), hashlib.sha256).hexdigest()[:32]

"""Who is asking, on pages that only signed-in people reach."""

from __future__ import annotations

from django.http import HttpRequest


def person_id(request: HttpRequest) -> int:
    """The id of whoever is signed in."""
    found = request.user.pk
    assert found is not None, "only behind login_required"
    return found

"""A viewer's films."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from mutoscope.platform.accounts.public import login_required
from mutoscope.platform.billing import books
from mutoscope.platform.billing.asker import person_id
from mutoscope.platform.billing.clock import SERVER_CLOCK, Clock
from mutoscope.platform.billing.domain.terms import FOR
from mutoscope.platform.billing.statements import fetch
from mutoscope.platform.videos.public import PUBLIC, VideoState, continue_watching, film_cards

PAGE_FILMS = 50
PAGES_MAX = 200
BEGUN_SHOWN = 4


@dataclass(frozen=True, slots=True)
class Owned:
    """One film that was unlocked. `renew_points` is what its last term costs now; None where it is not sold."""

    entitlement_id: int
    public_id: str
    title: str
    channel_title: str
    channel_handle: str
    state: str
    version: int
    expires_at: datetime | None
    is_live: bool
    term: str
    was_refunded: bool
    renew_points: int | None

    def renewal(self) -> str:
        """What the button sends; empty where the film is not sold that way now."""
        if self.renew_points is None or self.is_live or not self.is_on_show():
            return ""
        return f"{self.term}:{self.renew_points}"

    def may_be_extended(self) -> bool:
        """Whether more time of it can be bought: not for ever already, and not withdrawn."""
        return self.expires_at is not None and self.is_on_show()

    def is_on_show(self) -> bool:
        return self.state in PUBLIC

    def words(self) -> str:
        return FOR[self.term]

    def is_taken_down(self) -> bool:
        """Whether it plays for nobody at present, by the operator's word."""
        return self.state == VideoState.TAKEN_DOWN


def owned_films(
    viewer_id: int, offset: int = 0, limit: int = PAGE_FILMS, clock: Clock = SERVER_CLOCK
) -> tuple[list[Owned], bool]:
    """A page of what a viewer unlocked, what may be watched first; and whether there is more."""
    asked = {"ahead": clock.ahead(), "viewer_id": viewer_id, "offset": offset, "limit": limit + 1}
    rows = fetch("library", "owned", asked)
    return [Owned(*row) for row in rows[:limit]], len(rows) > limit


@never_cache
@login_required
@require_safe
def library(request: HttpRequest) -> HttpResponse:
    """What may be watched, with the time left; what has ended, with its renewal."""
    typed = request.GET.get("page", "")
    page = min(int(typed), PAGES_MAX) if typed.isascii() and typed.isdigit() and len(typed) < 6 else 0
    films, has_more = owned_films(person_id(request), page * PAGE_FILMS)
    began, positions = continue_watching(person_id(request), BEGUN_SHOWN) if page == 0 else ([], {})
    context = {
        "continue_films": film_cards(began, person_id(request), positions),
        "live": [film for film in films if film.is_live],
        "ended": [film for film in films if not film.is_live],
        "next_page": page + 1 if has_more else None,
        "is_first_page": page == 0,
        "balance": books.points_of(person_id(request)),
    }
    return render(request, "billing/library/library.html", context)

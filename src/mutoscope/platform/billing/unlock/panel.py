"""What stands beside a film: its prices, the viewer's points, and what one click would do."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from mutoscope.platform.billing import books
from mutoscope.platform.billing.bundles.offers import BundleOffer, offers_with_film
from mutoscope.platform.billing.clock import SERVER_CLOCK, Clock
from mutoscope.platform.billing.domain import terms
from mutoscope.platform.billing.domain.coupons import PROBLEMS, Discount
from mutoscope.platform.billing.domain.terms import FOR, Holding, Quote, Term, Until
from mutoscope.platform.billing.models import FREE
from mutoscope.platform.billing.packs.service import PacksNeeded, packs_for, packs_on_sale
from mutoscope.platform.billing.statements import fetch
from mutoscope.platform.billing.unlock.service import still_running
from mutoscope.platform.videos.public import PUBLIC, VideoState

TITLES = {Term.DAY: "One day", Term.MONTH: "One month", Term.LIFETIME: "For ever"}


@dataclass(frozen=True, slots=True)
class Choice:
    """One term as it is offered to this viewer."""

    quote: Quote
    left_points: int
    """What would be left after it; below zero is what is missing."""
    packs: PacksNeeded | None
    """Where points are missing: the cheapest pack that brings them, or several."""
    is_extension: bool

    def value(self) -> str:
        """What the button sends: the term, and the points that the viewer agrees to."""
        return f"{self.quote.term}:{self.quote.due_points}"

    def title(self) -> str:
        return TITLES[self.quote.term]

    def words(self) -> str:
        return FOR[self.quote.term]

    def missing_points(self) -> int:
        return max(-self.left_points, 0)


@dataclass(frozen=True, slots=True)
class Panel:
    """Everything the template draws from."""

    public_id: str
    video_id: int
    title: str
    channel_title: str
    version: int
    balance: int
    is_signed_in: bool
    is_own: bool
    is_public: bool
    is_free: bool
    is_live: bool
    has_expired: bool
    expires_at: datetime | None
    choices: tuple[Choice, ...]
    code: str = ""
    """The code that the prices are told with."""
    code_problem: str = ""
    """Why the one that was typed takes nothing off; empty where it does, or none was typed."""
    under_way: str = ""
    """A top-up of theirs that still waits, where points are missing: whoever has sent money is not to be asked to pay again."""

    def may_be_bundled(self) -> bool:
        """Whether bundles with it are of use to whoever looks: also where it is not sold alone."""
        return self.is_public and not (self.is_own or self.is_free or (self.is_live and self.expires_at is None))


def bundles_beside(panel: Panel, viewer_id: int | None) -> list[BundleOffer]:
    """What stands below the panel, wherever it stands. Two queries at most."""
    return offers_with_film(panel.video_id, viewer_id) if panel.may_be_bundled() else []


def panel_for(viewer_id: int | None, public_id: str, clock: Clock = SERVER_CLOCK, code: str = "") -> Panel | None:
    """The panel of a film for a viewer, or for somebody who is not signed in; None where there is no such film.

    With a code, as it was typed, prices are told with what it takes off.
    """
    rows = fetch("unlock", "panel", {"ahead": clock.ahead(), "viewer_id": viewer_id, "public_id": public_id})
    if not rows:
        return None
    now, video_id, state, title, owner_id, channel_title, version, has, expires_at, *_ = rows[0]
    if state == VideoState.TAKEN_DOWN and viewer_id != owner_id:
        # Nobody watches it, whatever they bought: there is nothing to say of prices or of time.
        return None
    is_live = has and Until(expires_at).is_live(now)
    holding = still_running(viewer_id, video_id, expires_at, now) if is_live and viewer_id is not None else None
    is_own = viewer_id is not None and viewer_id == owner_id
    prices = {Term(row[-2]): row[-1] for row in rows if row[-2] not in (None, FREE)}
    balance = books.points_of(viewer_id) if viewer_id is not None else 0
    choices: tuple[Choice, ...] = ()
    discount, problem = None, ""
    if state in PUBLIC and not is_own:
        discount, problem = _discount(viewer_id, public_id, clock, code)
        choices = _choices(prices, holding, now, balance, discount)
    return Panel(
        public_id=public_id,
        video_id=video_id,
        title=title,
        channel_title=channel_title,
        version=version,
        balance=balance,
        is_signed_in=viewer_id is not None,
        is_own=is_own,
        is_public=state in PUBLIC,
        is_free=any(row[-2] == FREE for row in rows),
        is_live=is_live,
        has_expired=has and not is_live,
        expires_at=expires_at,
        choices=choices,
        code=code.strip().upper() if discount else "",
        code_problem=problem,
        under_way=_under_way(viewer_id) if any(choice.packs for choice in choices) else "",
    )


def _under_way(viewer_id: int | None) -> str:
    rows = fetch("topup", "under_way", {"person_id": viewer_id})
    return rows[0][0] if rows else ""


def _discount(viewer_id: int | None, public_id: str, clock: Clock, code: str) -> tuple[Discount | None, str]:
    """What a code takes off for this viewer, or why nothing. One query, where one was typed."""
    if not code.strip():
        return None, ""
    asked = {"ahead": clock.ahead(), "viewer_id": viewer_id, "public_id": public_id, "coupon": code.strip().upper()}
    rows = fetch("unlock", "code", asked)
    _, percent, points, problem = rows[0] if rows else (None, None, None, "other")
    return (None, PROBLEMS[problem]) if problem else (Discount(percent, points), "")


def _choices(
    prices: dict[Term, int], holding: Holding | None, now: datetime, balance: int, discount: Discount | None
) -> tuple[Choice, ...]:
    quotes = []
    for term, points in prices.items():
        try:
            quotes.append(terms.quote(term, points, holding, now).less(discount))
        except terms.AlreadyForever:
            return ()
    # Asked for only where they are needed.
    packs = packs_on_sale() if any(quote.due_points > balance for quote in quotes) else []
    return tuple(
        Choice(
            quote=quote,
            left_points=balance - quote.due_points,
            packs=packs_for(packs, quote.due_points - balance) if quote.due_points > balance else None,
            is_extension=quote.is_extension(now),
        )
        for quote in quotes
    )

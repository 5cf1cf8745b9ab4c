"""What a bundle costs somebody now: the one place that its page, the panel beside a film and a channel's page ask."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from mutoscope.platform.billing.bundles.models import Bundle
from mutoscope.platform.billing.bundles.service import Film, films_of_bundles, is_sold, quote_for
from mutoscope.platform.billing.domain.bundles import BundleQuote, NothingToAdd
from mutoscope.platform.billing.domain.terms import FOR, Term

# Looked at for a film's panel, the cheapest first, and how many of them it shows.
WITH_FILM_MAX, WITH_FILM_SHOWN = 20, 3
OF_CHANNEL_MAX = 60


@dataclass(frozen=True, slots=True)
class BundleOffer:
    """A bundle as it is offered to somebody. `quote` is None where they have all of it, `is_sold` False where nobody can buy it."""

    bundle: Bundle
    films: tuple[Film, ...]
    quote: BundleQuote | None
    is_sold: bool

    def words(self) -> str:
        return FOR[Term(self.bundle.term)]

    def owned_films(self) -> int:
        """How many are left out of the price."""
        return sum(part.is_owned for part in self.quote.parts) if self.quote else len(self.films)

    def extended_films(self) -> int:
        """How many run already, so that the new term is added to what is left."""
        return sum(part.is_extension(self.films[0].now) for part in self.quote.parts) if self.quote else 0

    def video_ids(self) -> list[int]:
        return [film.video_id for film in self.films]


def offers(bundles: Sequence[Bundle], viewer_id: int | None) -> list[BundleOffer]:
    """What each of them costs this viewer, or somebody who is not signed in. One query."""
    films = films_of_bundles([bundle.pk for bundle in bundles], viewer_id) if bundles else {}
    return [_offer(bundle, films[bundle.pk]) for bundle in bundles]


def offers_with_film(video_id: int, viewer_id: int | None) -> list[BundleOffer]:
    """The bundles that a film is in and that this viewer can buy, the cheapest first. Two queries at most."""
    with_film = Bundle.objects.filter(films__video=video_id, ended_at=None).order_by("points", "id")
    found = _for_sale(offers(list(with_film[:WITH_FILM_MAX]), viewer_id))
    return sorted(found, key=lambda offer: offer.quote.due_points if offer.quote else 0)[:WITH_FILM_SHOWN]


def offers_of_channel(channel_id: int, viewer_id: int | None) -> list[BundleOffer]:
    """A channel's bundles that this viewer can buy, newest first. Two queries at most."""
    return _for_sale(offers(list(Bundle.objects.filter(channel=channel_id, ended_at=None)[:OF_CHANNEL_MAX]), viewer_id))


def _offer(bundle: Bundle, films: list[Film]) -> BundleOffer:
    try:
        quote = quote_for(bundle, films)
    except NothingToAdd:
        quote = None
    return BundleOffer(bundle, tuple(films), quote, is_sold(bundle, films))


def _for_sale(found: Sequence[BundleOffer]) -> list[BundleOffer]:
    return [offer for offer in found if offer.is_sold and offer.quote is not None]

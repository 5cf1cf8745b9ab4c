"""What a bundle costs somebody who has some of it already, and how its price is shared among its films."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from mutoscope.platform.billing.domain.money import BASIS_POINTS
from mutoscope.platform.billing.domain.terms import LENGTHS, Term, Until

FILMS_MIN, FILMS_MAX = 2, 50


class NothingToAdd(Exception):
    """Whoever asks has every film of the bundle for at least as long."""


@dataclass(frozen=True, slots=True)
class Part:
    """One film of the bundle: what it costs of the whole, and when it lets watch. `expires_at` None is for ever."""

    share_points: int
    is_owned: bool
    """It is owned for long enough, and left out."""
    starts_at: datetime
    expires_at: datetime | None
    is_upgrade: bool
    """It begins at once, over what runs."""

    def is_extension(self, now: datetime) -> bool:
        """Whether it begins when something else ends."""
        return self.starts_at > now


@dataclass(frozen=True, slots=True)
class BundleQuote:
    """What one click would do: `due_points` = `price_points` - `owned_points`, and watching all of it until `expires_at` (None: for ever)."""

    price_points: int
    owned_points: int
    due_points: int
    expires_at: datetime | None
    parts: tuple[Part, ...]


def shares(points: int, films: int) -> list[int]:
    """A price in equal parts, the first of them one point more where it does not come out even. They add up to it."""
    part, rest = divmod(points, films)
    return [part + (n < rest) for n in range(films)]


def quote(term: Term, price_points: int, holdings: Sequence[Until | None], now: datetime) -> BundleQuote:
    """What buying it now would cost and give somebody who has these. Raises NothingToAdd.

    The rule: a film that is owned until the end of the bundle's term or longer is left out, and its share is taken off the price.
    Of all others none loses anything: where something runs the term begins when that ends, for ever begins at once.
    """
    length = LENGTHS[term]
    until = now + length if length else None
    parts = []
    for share, holding in zip(shares(price_points, len(holdings)), holdings, strict=True):
        live = holding if holding is not None and holding.is_live(now) else None
        ends_at = live.expires_at if live is not None else None
        if live is not None and (ends_at is None or (until is not None and ends_at >= until)):
            parts.append(Part(share, True, now, ends_at, False))
        elif length is None:
            parts.append(Part(share, False, now, None, live is not None))
        else:
            starts_at = ends_at or now
            parts.append(Part(share, False, starts_at, starts_at + length, False))
    owned = sum(part.share_points for part in parts if part.is_owned)
    if all(part.is_owned for part in parts):
        raise NothingToAdd
    ends = [part.expires_at for part in parts if part.expires_at is not None]
    return BundleQuote(price_points, owned, price_points - owned, min(ends, default=None), tuple(parts))


def fees(paid: Sequence[int], fee_bps: int) -> list[int]:
    """The fee of the whole (domain/money.py, `split`) shared among what was paid for each film; it adds up to that of the sum."""
    found, sum_so_far, fee_so_far = [], 0, 0
    for points in paid:
        sum_so_far += points
        fee = sum_so_far * fee_bps // BASIS_POINTS
        found.append(fee - fee_so_far)
        fee_so_far = fee
    return found

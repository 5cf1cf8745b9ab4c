"""What the studio needs from whoever sells films. `web` binds it; until then films earn nothing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple, Protocol

from mutoscope.engines.services import Socket


class Sold(NamedTuple):
    """What a film brought its creator so far, in points, and how often it was unlocked."""

    points: int
    unlocks: int


class FilmSales(Protocol):
    """What each film of a channel brought, by the video's id; films that brought nothing are left out. At most one query."""

    def __call__(self, channel_id: int, /) -> Mapping[int, Sold]: ...


def nothing_sold(channel_id: int) -> Mapping[int, Sold]:
    return {}


film_sales: Socket[FilmSales] = Socket(nothing_sold)

"""Counting one visit: a number goes up, and nothing is kept of whose visit it was."""

from __future__ import annotations

import random
from enum import StrEnum

from mutoscope.platform.analytics.statements import fetch
from mutoscope.platform.videos.public import PUBLIC

# Two visits at once meet in one row with a chance of one in so many; a film has at most so many rows a day until they are added up.
SLOTS = 16


class Visit(StrEnum):
    """What a browser says, once a day each."""

    PAGE = "page"
    """It showed the page to somebody who may watch."""
    PRICE = "price"
    """It showed the page to somebody who may not: the price, or how to sign in."""
    TRAILER = "trailer"
    """The trailer was played."""


def count(public_id: str, visit: Visit, person_id: int | None) -> bool:
    """Add one; whether it was added. Nothing is for a film that nobody else can see, or by its own creator. One statement."""
    asked = {
        "public_id": public_id,
        "person_id": person_id,
        "states": [state.value for state in PUBLIC],
        # Which row it is means nothing.
        "slot": random.randrange(SLOTS),  # noqa: S311
        "pages": int(visit in (Visit.PAGE, Visit.PRICE)),
        "prices": int(visit is Visit.PRICE),
        "trailers": int(visit is Visit.TRAILER),
    }
    return bool(fetch("visits", "count", asked))

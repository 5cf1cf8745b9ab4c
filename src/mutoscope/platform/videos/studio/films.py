"""The studio's list of films: where each stands and what it brought, in the order that its creator asks for."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from django.http import HttpRequest

from mutoscope.platform.accounts.public import Channel
from mutoscope.platform.videos.domain.life import VideoState
from mutoscope.platform.videos.models import Video
from mutoscope.platform.videos.studio.head import without_price
from mutoscope.platform.videos.studio.ports import Sold, film_sales
from mutoscope.platform.videos.studio.standing import Standing, standing_of

FILMS_SHOWN = 500
# In which a film can move (standing.py).
MOVING = (VideoState.UPLOADING, VideoState.PROCESSING)


@dataclass(frozen=True, slots=True)
class FilmRow:
    video: Video
    standing: Standing
    sold: Sold
    lacks_price: bool


@dataclass(frozen=True, slots=True)
class Order:
    """One way to sort, in words and by what."""

    name: str
    words: str
    key: Callable[[FilmRow], Any]


# The first is the usual one. Films come from the database newest first, and sorting keeps that where it decides nothing.
ORDERS = (
    Order("newest", "Newest", lambda row: 0),
    Order("title", "Title", lambda row: row.video.title.casefold()),
    Order("status", "Status", lambda row: row.standing.words),
    Order("revenue", "Revenue", lambda row: -row.sold.points),
    Order("unlocks", "Unlocks", lambda row: -row.sold.unlocks),
)


def film_list(request: HttpRequest, channel: Channel) -> dict[str, Any]:
    """What rows.html shows. Three queries, one of them over all that was ever sold, and one for each film that moves."""
    order = next((each for each in ORDERS if each.name == request.GET.get("sort", "")), ORDERS[0])
    videos = list(Video.objects.filter(channel=channel).select_related("cover")[:FILMS_SHOWN])
    sales = film_sales.get()(channel.pk)
    unpriced = without_price(videos)
    rows = [
        FilmRow(video, standing_of(video), sales.get(video.pk, Sold(0, 0)), video.pk in unpriced) for video in videos
    ]
    rows.sort(key=order.key)
    return {
        "rows": rows,
        "moving": named(rows),
        "orders": ORDERS,
        "order": order,
    }


def moving_films(channel: Channel) -> list[FilmRow]:
    """The films of that list that move, alone: what the page asks for every other second. What was sold is not added up for it."""
    listed = Video.objects.filter(channel=channel).values("pk")[:FILMS_SHOWN]
    videos = list(Video.objects.filter(pk__in=listed, state__in=MOVING))
    unpriced = without_price(videos)
    rows = [FilmRow(video, standing_of(video), Sold(0, 0), video.pk in unpriced) for video in videos]
    return [row for row in rows if row.standing.is_moving]


def named(rows: Sequence[FilmRow]) -> str:
    """Which of these move, and in which state each is, as a name of a few characters: another one says that the list has to be
    drawn anew. Empty where none moves."""
    moving = sorted(f"{row.video.public_id}:{row.video.state}" for row in rows if row.standing.is_moving)
    return sha256(" ".join(moving).encode()).hexdigest()[:16] if moving else ""

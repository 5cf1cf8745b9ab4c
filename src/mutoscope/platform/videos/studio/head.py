"""The head of a film's pages in the studio, the same on every tab: where the film stands, and whether it still lacks a price."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from mutoscope.platform.videos.domain.life import PLAYABLE, VideoState
from mutoscope.platform.videos.models import Video
from mutoscope.platform.videos.studio.standing import Standing, standing_of
from mutoscope.platform.videos.watch.cards import address
from mutoscope.platform.videos.watch.page.sharing import absolute
from mutoscope.platform.videos.watch.ports import card_notes

# A film that others see, or that one click would show them.
PRICED = frozenset({VideoState.READY, VideoState.PUBLISHED, VideoState.UNLISTED})


@dataclass(frozen=True, slots=True)
class FilmHead:
    """What head.html shows."""

    standing: Standing
    lacks_price: bool
    address: str
    """The film's address for others, in full; empty until there is something to watch."""


def film_head(video: Video) -> FilmHead:
    """The head of one film. One query more than `standing_of`, where it is not free."""
    where = absolute(address(video)) if video.state in PLAYABLE else ""
    return FilmHead(standing_of(video), video.pk in without_price([video]), where)


def without_price(videos: Sequence[Video]) -> frozenset[int]:
    """Which of these films others could see but not watch: neither free nor for sale by themselves. One query at most."""
    asked = [video for video in videos if video.state in PRICED and not video.is_free]
    # As somebody who is not signed in sees them: a note is a price then.
    notes = card_notes.get()(None, asked) if asked else {}
    return frozenset(video.pk for video in asked if video.pk not in notes or notes[video.pk].points is None)

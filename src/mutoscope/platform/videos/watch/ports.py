"""What watching needs from whoever sells films. `web` binds it; until then the defaults here hold."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from django.http import HttpRequest
from django.template.loader import render_to_string

from mutoscope.engines.services import Socket
from mutoscope.platform.videos.domain.rights import Answer, Question, answer_without_sales
from mutoscope.platform.videos.models import Video


class MayWatch(Protocol):
    """Whether somebody may watch a film now. Asked at every key, so at most one query; never remembered."""

    def __call__(self, question: Question, /) -> Answer: ...


class UnlockPanel(Protocol):
    """What stands beside the player of somebody who may not watch: prices and the way to unlock. Returns HTML."""

    def __call__(self, request: HttpRequest, video: Video, answer: Answer, /) -> str: ...


@dataclass(frozen=True)
class CardNote:
    """What a film's card says about its price: the lowest price in points, how long it is unlocked for, or that it is sold in a bundle only."""

    points: int | None = None
    unlocked_for: str = ""
    is_in_bundle: bool = False


class CardNotes(Protocol):
    """Notes for many films at once, by the video's id; a film without one costs nothing or is not for sale."""

    def __call__(self, person_id: int | None, videos: Sequence[Video], /) -> Mapping[int, CardNote]: ...


class PageFoot(Protocol):
    """What others add at the end of a film's page, for whoever looks at it now. Returns HTML; empty for nothing."""

    def __call__(self, request: HttpRequest, video: Video, answer: Answer, /) -> str: ...


def panel_without_sales(request: HttpRequest, video: Video, answer: Answer) -> str:
    """Says why the film does not play, and what can be done about it."""
    return render_to_string("videos/watch/page/panel.html", {"video": video, "answer": answer}, request)


def no_notes(person_id: int | None, videos: Sequence[Video]) -> Mapping[int, CardNote]:
    return {}


def nothing_below(request: HttpRequest, video: Video, answer: Answer) -> str:
    return ""


may_watch: Socket[MayWatch] = Socket(answer_without_sales)
unlock_panel: Socket[UnlockPanel] = Socket(panel_without_sales)
card_notes: Socket[CardNotes] = Socket(no_notes)
page_foot: Socket[PageFoot] = Socket(nothing_below)

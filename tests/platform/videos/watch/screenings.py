"""Films that can be watched, and stand-ins for whoever sells them."""

from __future__ import annotations

from datetime import datetime

from mutoscope.platform.accounts.public import Channel
from mutoscope.platform.videos.domain.life import VideoState
from mutoscope.platform.videos.domain.rights import Answer, Question, Reason, answer_without_sales
from mutoscope.platform.videos.life.moves import move
from mutoscope.platform.videos.models import Video
from tests.platform.videos.films import REASONS, WAYS
from tests.platform.videos.watch.encoder import give_edition

DESCRIPTION = """Three drivers, one frozen pass, and the last delivery before the road closes.

0:00 The harbour
0:04 - The pass
0:08 The road closes"""


def new_film(
    channel: Channel,
    state: VideoState = VideoState.PUBLISHED,
    *,
    title: str = "The Salt Road at Night",
    is_free: bool = False,
    subtitles: bool = True,
) -> Video:
    """A film that really plays."""
    film = Video.objects.create(channel=channel, title=title, description=DESCRIPTION, is_free=is_free)
    for step in WAYS[state]:
        if step == "ready":
            give_edition(film, subtitles=subtitles)
        move(film.pk, VideoState(step), reason=REASONS.get(step, ""))
    film.refresh_from_db()
    return film


class BoxOffice:
    """Sells films in tests, in memory: who unlocked what, and until when."""

    def __init__(self) -> None:
        self.unlocked: dict[tuple[int, int], Answer] = {}

    def __call__(self, question: Question) -> Answer:
        answer = answer_without_sales(question)
        if answer.is_yes():
            return answer
        if question.person_id is None:
            return Answer(Reason.SIGNED_OUT if question.is_public else Reason.WITHDRAWN)
        sold = self.unlocked.get((question.person_id, question.video_id))
        if sold is not None:
            return sold
        return Answer(Reason.NOT_PAID if question.is_public else Reason.WITHDRAWN)

    def unlock(self, person_id: int, video_id: int, until: datetime | None = None) -> None:
        self.unlocked[person_id, video_id] = Answer(Reason.UNLOCKED, until)

    def expire(self, person_id: int, video_id: int, ended: datetime) -> None:
        self.unlocked[person_id, video_id] = Answer(Reason.EXPIRED, ended)

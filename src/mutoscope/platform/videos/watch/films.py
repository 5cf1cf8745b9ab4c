"""Which film an address means, and whether somebody may watch it."""

from __future__ import annotations

from datetime import datetime

from mutoscope.platform.videos.domain.life import PUBLIC, VideoState
from mutoscope.platform.videos.domain.places import PUBLIC_ID
from mutoscope.platform.videos.domain.rights import Answer, Question, Reason
from mutoscope.platform.videos.models import Video
from mutoscope.platform.videos.watch.ports import may_watch


def find_film(public_id: str) -> Video | None:
    """The film with its channel, cover and edition, whatever its state; None where there is none. One query."""
    if not PUBLIC_ID.fullmatch(public_id):
        return None
    films = Video.objects.select_related("channel", "cover", "edition", "next_edition")
    film = films.filter(public_id=public_id).first()
    if film is not None:
        # Their folder is named after the film, which is at hand.
        for edition in (film.edition, film.next_edition):
            if edition is not None:
                edition.video = film
    return film


def ask(film: Video, person_id: int | None, playing_since: datetime | None = None) -> Answer:
    """Whether this person may watch this film now."""
    state = VideoState(film.state)
    question = Question(
        person_id=person_id,
        video_id=film.pk,
        owner_id=film.channel.owner_id,
        is_free=film.is_free,
        is_public=state in PUBLIC,
        playing_since=playing_since,
    )
    return answer_to(question, state)


def answer_to(question: Question, state: VideoState) -> Answer:
    """The seller's answer; none of its business is what the operator has taken down."""
    return Answer(Reason.TAKEN_DOWN) if state is VideoState.TAKEN_DOWN else may_watch.get()(question)


def is_taken_down(public_id: str) -> bool:
    """Whether the operator has taken this film down. One query, without the film."""
    return Video.objects.filter(public_id=public_id, state=VideoState.TAKEN_DOWN).exists()


def is_owner(film: Video, person_id: int | None) -> bool:
    return person_id is not None and film.channel.owner_id == person_id

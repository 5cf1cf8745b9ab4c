"""The use case of a player that begins."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from django.conf import settings

from mutoscope.engines.services import Internals, Outputs, Service, State, Steps, atomic
from mutoscope.platform.videos.domain.rights import Reason
from mutoscope.platform.videos.models import Edition, Video
from mutoscope.platform.videos.statements import fetch
from mutoscope.platform.videos.tokens import new_token
from mutoscope.platform.videos.watch.failures import (
    NoSuchFilm,
    NotEntitled,
    NothingToPlay,
    TooFast,
    TooManyStreams,
    not_entitled,
)
from mutoscope.platform.videos.watch.films import ask, find_film, is_owner
from mutoscope.platform.videos.watch.viewers import Viewer

FEATURE = "watch/playback"
LOCK_CLASS = 70_602

# A playback lives this long after its last beat.
LIFETIME = timedelta(minutes=10)
# However it is renewed, after this it is over: the player begins another, and nobody notices.
AGE_MAX = timedelta(hours=12)
# A player that has not beaten for so long has stopped: three beats of 15 seconds.
STREAM_S = 45
# Nobody who watches begins more playbacks than this; behind one address, which may be a school's, more.
WINDOW_S = 600
BEGINNINGS_MAX = 60
BEGINNINGS_PER_ADDRESS_MAX = 600
STREAMS_PER_ADDRESS_MAX = 200
# Keys of one film that a person may ask for at once, with however many players, and how fast more come. A key opens a minute or two of film: somebody who seeks
# through all of a long film stays within this, somebody who fetches all its keys does not.
KEYS_BURST = 40
KEYS_PER_S = 0.5


@dataclass(frozen=True)
class BeginPlaybackInputs:
    viewer: Viewer
    public_id: str


class BeginPlaybackInternals(Internals):
    film: Video


class BeginPlaybackOutputs(Outputs):
    token: str
    film: Video
    edition: Edition


Beginning = State[BeginPlaybackInputs, BeginPlaybackInternals, BeginPlaybackOutputs]


class BeginPlayback(Service[BeginPlaybackInputs, BeginPlaybackInternals, BeginPlaybackOutputs]):
    """A player may ask for a film's keys from now on, for a few minutes."""

    failures = (NoSuchFilm, NotEntitled, NothingToPlay, TooManyStreams, TooFast)

    def steps(self) -> Steps[BeginPlaybackInputs, BeginPlaybackInternals, BeginPlaybackOutputs]:
        return (
            self.find_the_film,
            self.refuse_who_may_not_watch,
            self.choose_the_edition,
            atomic(self.refuse_too_many_streams, self.begin),
        )

    def find_the_film(self, beginning: Beginning) -> None:
        film = find_film(beginning.inputs.public_id)
        if film is None:
            raise NoSuchFilm
        beginning.internals.film = beginning.outputs.film = film

    def refuse_who_may_not_watch(self, beginning: Beginning) -> None:
        film = beginning.internals.film
        answer = ask(film, beginning.inputs.viewer.person_id)
        if answer.reason in (Reason.WITHDRAWN, Reason.TAKEN_DOWN) and film.published_at is None:
            # What was never shown is nobody's business: not even that it is there.
            raise NoSuchFilm
        if not answer.is_yes():
            raise not_entitled(answer)

    def choose_the_edition(self, beginning: Beginning) -> None:
        """The finished one; its creator may look at one that is being made."""
        film = beginning.internals.film
        edition = film.edition
        if edition is None and is_owner(film, beginning.inputs.viewer.person_id):
            edition = film.next_edition
        if edition is None:
            raise NothingToPlay
        beginning.outputs.edition = edition

    def refuse_too_many_streams(self, beginning: Beginning) -> None:
        """Counted under a lock on the viewer, so that two players that start together do not both take the last stream."""
        viewer = beginning.inputs.viewer
        fetch(FEATURE, "lock_viewer", {"lock_class": LOCK_CLASS, "viewer": viewer.key})
        parameters = {
            "viewer": viewer.key,
            "stream_s": STREAM_S,
            "window_s": WINDOW_S,
            "age_s": int(AGE_MAX.total_seconds()),
        }
        ((streams, begun),) = fetch(FEATURE, "streams", parameters)
        if begun >= (BEGINNINGS_PER_ADDRESS_MAX if viewer.person_id is None else BEGINNINGS_MAX):
            raise TooFast(retry_after_s=60)
        allowed = streams_max(viewer)
        if streams >= allowed:
            raise TooManyStreams(streams_max=allowed)

    def begin(self, beginning: Beginning) -> None:
        viewer = beginning.inputs.viewer
        token = new_token()
        parameters = {
            "token": token,
            "video_id": beginning.internals.film.pk,
            "person_id": viewer.person_id,
            "viewer": viewer.key,
            "sign_in_digest": viewer.sign_in_digest,
            "lifetime_s": int(LIFETIME.total_seconds()),
            "burst": KEYS_BURST,
            "per_s": KEYS_PER_S,
        }
        fetch(FEATURE, "begin", parameters)
        beginning.outputs.token = token


def streams_max(viewer: Viewer) -> int:
    """How many players of this viewer may play at once."""
    limit: int = settings.STREAMS_PER_VIEWER
    return STREAMS_PER_ADDRESS_MAX if viewer.person_id is None else limit

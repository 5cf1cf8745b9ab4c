"""Giving a key, or saying why not."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import structlog
from django.conf import settings
from prometheus_client import Counter

from mutoscope.platform.videos.domain.life import PLAYABLE, PUBLIC, VideoState
from mutoscope.platform.videos.domain.rights import Question
from mutoscope.platform.videos.keys import unseal
from mutoscope.platform.videos.statements import fetch
from mutoscope.platform.videos.watch.failures import (
    NoSuchKey,
    OtherFilm,
    OtherSignIn,
    PlaybackOver,
    TooFast,
    TooManyStreams,
    WatchingRefused,
    not_entitled,
)
from mutoscope.platform.videos.watch.films import answer_to
from mutoscope.platform.videos.watch.playback.service import (
    AGE_MAX,
    FEATURE,
    KEYS_BURST,
    KEYS_PER_S,
    STREAM_S,
    STREAMS_PER_ADDRESS_MAX,
)
from mutoscope.platform.videos.watch.viewers import sign_in_digest

log = structlog.get_logger(__name__)

KEYS = Counter("mutoscope_video_keys", "Requests for keys of films, by what came of them.", ["result"])
BULK = Counter("mutoscope_video_keys_bulk", "Playbacks that asked for keys faster than anybody watches.")
RETRY_AFTER_S = 5


@dataclass(frozen=True)
class _Asked:
    """A row of take_key; what stands after owner_id is None where there is no playback."""

    sealed_key: bytes
    number: int
    edition_token: str
    video_id: int
    state: str
    is_free: bool
    owner_id: int
    playback_id: int | None
    is_of_this_film: bool
    is_alive: bool
    person_id: int | None
    began_at: datetime | None
    sign_in_digest: str
    keys_given: int
    sign_in_stands: bool
    has_stream: bool
    was_taken: bool


def give_key(key_id: str, tokens: list[str], session_key: str) -> bytes:
    """The 16 bytes of a key for whoever plays with one of these tokens. One query, and MayWatch's.

    Raises a WatchingRefused that says why there is none.
    """
    try:
        key = _give(key_id, tokens, session_key)
    except WatchingRefused as refused:
        KEYS.labels(refused.kind()).inc()
        raise
    KEYS.labels("given").inc()
    return key


def _give(key_id: str, tokens: list[str], session_key: str) -> bytes:
    parameters = {
        "key_id": key_id,
        "tokens": tokens,
        "session_key": session_key,
        "burst": KEYS_BURST,
        "per_s": KEYS_PER_S,
        "stream_s": STREAM_S,
        "age_s": int(AGE_MAX.total_seconds()),
        "streams_max": settings.STREAMS_PER_VIEWER,
        "streams_per_address_max": STREAMS_PER_ADDRESS_MAX,
    }
    rows = fetch(FEATURE, "take_key", parameters)
    if not rows:
        raise NoSuchKey
    asked = _Asked(*rows[0])
    state = VideoState(asked.state)
    question = Question(
        person_id=asked.person_id,
        video_id=asked.video_id,
        owner_id=asked.owner_id,
        is_free=asked.is_free,
        is_public=state in PUBLIC,
        playing_since=asked.began_at,
    )
    if asked.playback_id is None:
        raise PlaybackOver
    if not asked.is_of_this_film:
        raise OtherFilm
    # Whoever is not signed in plays free films by the token alone.
    if asked.person_id is not None and asked.sign_in_digest != sign_in_digest(session_key):
        raise OtherSignIn
    if not asked.is_alive or not asked.sign_in_stands:
        raise PlaybackOver
    answer = answer_to(question, state)
    if not answer.is_yes():
        raise not_entitled(answer)
    if state not in PLAYABLE and asked.person_id != asked.owner_id:
        raise NoSuchKey
    if not asked.has_stream:
        raise TooManyStreams(streams_max=settings.STREAMS_PER_VIEWER if asked.person_id else STREAMS_PER_ADDRESS_MAX)
    if not asked.was_taken:
        _raise_the_alarm(asked)
        raise TooFast(retry_after_s=RETRY_AFTER_S)
    return unseal(bytes(asked.sealed_key), asked.edition_token, asked.number)


def _raise_the_alarm(asked: _Asked) -> None:
    """Somebody collects keys. They are slowed down; whether to do more is for the operator."""
    BULK.inc()
    log.warning(
        "keys are asked for in bulk",
        action="bulk_keys",
        playback=asked.playback_id,
        person=asked.person_id,
        video=asked.video_id,
        keys_given=asked.keys_given,
    )

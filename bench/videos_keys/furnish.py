"""A film with keys, viewers who unlocked it, and a playback for each: prints what the load generator has to send."""

from __future__ import annotations

import json
import sys
from datetime import timedelta

import django

VIEWERS = 400
PERIODS = 60


def main() -> None:
    django.setup()
    from django.conf import settings
    from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
    from django.contrib.sessions.backends.db import SessionStore
    from django.utils import timezone

    from mutoscope.platform.accounts.models import Channel, Person
    from mutoscope.platform.billing.models import Entitlement
    from mutoscope.platform.videos.domain.life import VideoState
    from mutoscope.platform.videos.keys import new_key, seal
    from mutoscope.platform.videos.life.moves import move
    from mutoscope.platform.videos.models import Edition, KeyPeriod, Video
    from mutoscope.platform.videos.watch.models import KeyBucket, Playback
    from mutoscope.platform.videos.watch.viewers import sign_in_digest

    now = timezone.now()
    owner = Person.objects.create_user("owner", "owner@example.org")
    film = Video.objects.create(
        channel=Channel.objects.create(owner=owner, handle="bench", title="Bench"), title="Film"
    )
    hour_ms = 3_600_000
    edition = Edition.objects.create(
        video=film, segment_ms=4000, key_period_ms=60_000, duration_ms=hour_ms, whole_at=now
    )
    Video.objects.filter(pk=film.pk).update(edition=edition, duration_ms=hour_ms)
    for state in (VideoState.UPLOADING, VideoState.PROCESSING, VideoState.READY, VideoState.PUBLISHED):
        move(film.pk, state)
    keys = KeyPeriod.objects.bulk_create(
        KeyPeriod(edition=edition, number=number, sealed_key=seal(new_key(), edition.token, number))
        for number in range(PERIODS)
    )
    viewers = []
    for number in range(VIEWERS):
        person = Person.objects.create_user(f"viewer{number}", f"viewer{number}@example.org")
        session = SessionStore()
        session[SESSION_KEY] = str(person.pk)
        session[BACKEND_SESSION_KEY] = settings.AUTHENTICATION_BACKENDS[0]
        session[HASH_SESSION_KEY] = person.get_session_auth_hash()
        session.create()
        bucket = KeyBucket.objects.create(person=person, video=film, keys_left=1000)
        playback = Playback.objects.create(
            video=film, person=person, viewer=f"p:{person.pk}", sign_in_digest=sign_in_digest(session.session_key or ""),
            expires_at=now + timedelta(hours=1), bucket=bucket,
        )  # fmt: skip
        Entitlement.objects.create(viewer=person, video=film, expires_at=now + timedelta(hours=6))
        viewers.append((session.session_key, playback.token))
    json.dump({"viewers": viewers, "keys": [key.public_id for key in keys]}, sys.stdout)


if __name__ == "__main__":
    main()

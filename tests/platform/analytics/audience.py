"""Visitors and playbacks for these tests, made without browsers."""

from __future__ import annotations

from datetime import datetime

from django.test import Client

from mutoscope.platform.accounts.public import Person
from mutoscope.platform.analytics.public import AddUpAudience, RollUpInputs
from mutoscope.platform.videos.models import Video
from mutoscope.platform.videos.watch.models import Beat, Playback

BROWSER = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36"


def visit(film: Video, what: str = "price", person: Person | None = None, user_agent: str = BROWSER) -> int:
    """Say once that somebody looked; the status of the answer."""
    client = Client()
    if person is not None:
        client.force_login(person)
    headers = {"X-Visit": what, "User-Agent": user_agent}
    return client.post(f"/visits/{film.public_id}", headers=headers).status_code


def play(film: Video, at: datetime, *stretches: tuple[int, int], person: Person | None = None) -> int:
    """A playback that showed these stretches (milliseconds) at a moment; its id."""
    playback = Playback.objects.create(video=film, person=person, viewer="v", expires_at=at, began_at=at)
    for start, end in stretches:
        Beat.objects.create(at=at, video_id=film.pk, playback_id=playback.pk, from_ms=start, to_ms=end)
    return playback.pk


def add_up() -> int:
    """Run the roll-up; how many days of films it counted anew."""
    return AddUpAudience().call(RollUpInputs()).film_days

"""Films for tests: a channel's video in a given state, made by the moves that lead there."""

from __future__ import annotations

from django.utils import timezone

from mutoscope.platform.accounts.public import Channel, Person
from mutoscope.platform.videos.domain.life import VideoState
from mutoscope.platform.videos.life.moves import move
from mutoscope.platform.videos.models import Edition, Video

# The shortest way to each state.
WAYS = {
    VideoState.DRAFT: [],
    VideoState.UPLOADING: ["uploading"],
    VideoState.PROCESSING: ["uploading", "processing"],
    VideoState.FAILED: ["uploading", "processing", "failed"],
    VideoState.READY: ["uploading", "processing", "ready"],
    VideoState.PUBLISHED: ["uploading", "processing", "ready", "published"],
    VideoState.UNLISTED: ["uploading", "processing", "ready", "unlisted"],
    VideoState.TAKEN_DOWN: ["uploading", "processing", "ready", "published", "taken-down"],
    VideoState.ARCHIVED: ["uploading", "processing", "ready", "archived"],
}

REASONS = {"failed": "It was cut short.", "taken-down": "Its music is somebody else's."}


def new_channel(name: str = "ada") -> Channel:
    person = Person.objects.create_user(username=name, email=f"{name}@example.org", password=None)
    return Channel.objects.create(owner=person, handle=name, title=f"{name.title()}'s films")


def new_video(channel: Channel, state: VideoState = VideoState.DRAFT, title: str = "A voyage") -> Video:
    video = Video.objects.create(channel=channel, title=title)
    for step in WAYS[state]:
        if step == "ready":
            video.edition = new_edition(video)
            video.duration_ms = 10_000
            video.save(update_fields=["edition", "duration_ms"])
        move(video.pk, VideoState(step), reason=REASONS.get(step, ""))
    video.refresh_from_db()
    return video


def new_edition(video: Video) -> Edition:
    return Edition.objects.create(
        video=video, segment_ms=4000, key_period_ms=60_000, duration_ms=10_000, whole_at=timezone.now()
    )

"""The one door into videos. Other contexts import this and nothing else."""

from __future__ import annotations

from mutoscope.platform.videos.domain.life import PLAYABLE, PUBLIC, VideoState
from mutoscope.platform.videos.failures import NoSuchVideo, NotNow
from mutoscope.platform.videos.models import Video

__all__ = [
    "PLAYABLE",
    "PUBLIC",
    "NoSuchVideo",
    "NotNow",
    "Video",
    "VideoState",
    "newest_videos",
    "videos_of_channel",
]


def newest_videos(limit: int) -> list[Video]:
    """Published films of every channel, newest first, at most `limit`, with their covers and channels."""
    shown = Video.objects.filter(state=VideoState.PUBLISHED).select_related("cover", "channel")
    return list(shown.order_by("-published_at", "-id")[:limit])


def videos_of_channel(channel_id: int, limit: int) -> list[Video]:
    """Published films of one channel, newest first, at most `limit`, with their covers."""
    shown = Video.objects.filter(state=VideoState.PUBLISHED, channel_id=channel_id).select_related("cover", "channel")
    return list(shown.order_by("-published_at", "-id")[:limit])

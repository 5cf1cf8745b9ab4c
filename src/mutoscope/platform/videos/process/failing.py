"""Telling a creator that a film was not made."""

from __future__ import annotations

import contextlib

from django.db import transaction

from mutoscope.platform.videos.domain.life import VideoState
from mutoscope.platform.videos.failures import NoSuchVideo, NotNow
from mutoscope.platform.videos.life.moves import move
from mutoscope.platform.videos.models import Video

BROKEN = (
    "Something broke on our side while this film was being made. Try again; if that does not help, tell the operator."
)


def fail_video(video_id: int, reason: str, *, run_id: int) -> None:
    """Move a video to failed, for a reason in words, if this run still is the one that makes it."""
    with transaction.atomic(), contextlib.suppress(NotNow, NoSuchVideo):
        ours = Video.objects.select_for_update().filter(pk=video_id, run_id=run_id).exists()
        if ours:
            move(video_id, VideoState.FAILED, reason=reason)

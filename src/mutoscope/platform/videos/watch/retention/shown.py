"""What was shown of each film, by day: counted from beats, which name no person."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime

from mutoscope.platform.videos.domain.beats import CREDITS_MS_MAX
from mutoscope.platform.videos.statements import fetch
from mutoscope.platform.videos.watch.playback.service import AGE_MAX as PLAYBACK_AGE_MAX

__all__ = ["PLAYBACK_AGE_MAX", "DayShown", "shown_since"]


@dataclass(frozen=True, slots=True)
class DayShown:
    """The playbacks of one film that began on one day (UTC)."""

    video_id: int
    day: date
    plays: int
    half: int
    """How many showed the film's middle. Whoever watches it in several sittings passes that moment once."""
    finished: int
    """How many showed the moment in which the credits begin."""
    shown_ms: int
    shown: list[int]
    """For each hundredth of the film, how many playbacks showed its middle."""


def shown_since(first: date) -> list[DayShown]:
    """Every film's days from `first` on, today's as far as it has come. One query, over the beats of that time."""
    asked = {
        "since": datetime(first.year, first.month, first.day, tzinfo=UTC),
        "age_s": int(PLAYBACK_AGE_MAX.total_seconds()),
        "credits_ms": CREDITS_MS_MAX,
    }
    return [DayShown(*row) for row in fetch("watch/retention", "shown", asked)]

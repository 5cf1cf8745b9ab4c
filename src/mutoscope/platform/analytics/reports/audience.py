"""What was visited and watched, from the days that were added up."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import NamedTuple

from mutoscope.platform.analytics.statements import fetch

HOUR_MS = 3_600_000


class Audience(NamedTuple):
    """How many looked and watched. Visits are of different browsers on each day; plays are playbacks."""

    pages: int = 0
    prices: int = 0
    trailers: int = 0
    plays: int = 0
    half: int = 0
    finished: int = 0
    shown_ms: int = 0

    def hours(self) -> str:
        """For how long films were shown, altogether."""
        return f"{self.shown_ms / HOUR_MS:,.1f}"


@dataclass(frozen=True, slots=True)
class FilmAudience:
    """The same of one film."""

    video_id: int
    public_id: str
    title: str
    is_free: bool
    audience: Audience


def together(parts: list[Audience]) -> Audience:
    """Their sum."""
    return Audience(*(sum(column) for column in zip(*parts, strict=True))) if parts else Audience()


def audience_by_day(channel_id: int, since: date | None, video_id: int | None = None) -> dict[date, Audience]:
    """Days on which nothing was visited or watched are left out. One query."""
    asked = {"channel_id": channel_id, "since": since, "video_id": video_id}
    return {row[0]: Audience(*row[1:]) for row in fetch("reports", "by_day", asked)}


def audience_by_film(channel_id: int, since: date | None) -> list[FilmAudience]:
    """Every film that others could ever see, newest first. One query."""
    rows = fetch("reports", "by_film", {"channel_id": channel_id, "since": since})
    return [FilmAudience(row[0], row[1], row[2], row[3], Audience(*row[4:])) for row in rows]


def retention(video_id: int, since: date | None) -> list[int]:
    """For each hundredth of a film, how many playbacks showed it; empty where nothing was watched. One query."""
    return [row[1] for row in fetch("reports", "retention", {"video_id": video_id, "since": since})]


def added_up_until() -> datetime | None:
    """The moment up to which visits and beats are in these figures; None before the first time. One query."""
    return next((row[0] for row in fetch("reports", "until", {})), None)

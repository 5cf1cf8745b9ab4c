"""The one door into videos. Other contexts import this and nothing else."""

from __future__ import annotations

from mutoscope.platform.videos.domain.life import PLAYABLE, PUBLIC, VideoState
from mutoscope.platform.videos.domain.rights import Answer, Question, Reason, answer_without_sales
from mutoscope.platform.videos.failures import NoSuchVideo, NotNow
from mutoscope.platform.videos.leaving import KeptFilms
from mutoscope.platform.videos.models import Video
from mutoscope.platform.videos.studio.head import FilmHead, film_head
from mutoscope.platform.videos.studio.ports import FilmSales, Sold, film_sales
from mutoscope.platform.videos.watch.cards import FilmCard, covers_of, film_cards
from mutoscope.platform.videos.watch.cards import address as film_address
from mutoscope.platform.videos.watch.page.featured import Featured, featured_film
from mutoscope.platform.videos.watch.ports import (
    CardNote,
    CardNotes,
    MayWatch,
    PageFoot,
    UnlockPanel,
    card_notes,
    may_watch,
    no_notes,
    page_foot,
    panel_without_sales,
    unlock_panel,
)
from mutoscope.platform.videos.watch.progress.endpoints import continue_watching
from mutoscope.platform.videos.watch.retention.shown import PLAYBACK_AGE_MAX, DayShown, shown_since

__all__ = [
    "PLAYABLE",
    "PLAYBACK_AGE_MAX",
    "PUBLIC",
    "Answer",
    "CardNote",
    "CardNotes",
    "DayShown",
    "Featured",
    "FilmCard",
    "FilmHead",
    "FilmSales",
    "KeptFilms",
    "MayWatch",
    "NoSuchVideo",
    "NotNow",
    "PageFoot",
    "Question",
    "Reason",
    "Sold",
    "UnlockPanel",
    "Video",
    "VideoState",
    "answer_without_sales",
    "card_notes",
    "continue_watching",
    "covers_of",
    "featured_film",
    "film_address",
    "film_cards",
    "film_head",
    "film_sales",
    "may_watch",
    "newest_videos",
    "no_notes",
    "page_foot",
    "panel_without_sales",
    "shown_since",
    "unlock_panel",
    "videos_of_channel",
]


def newest_videos(limit: int) -> list[Video]:
    """Published films of every channel, newest first, at most `limit`, with their covers and channels."""
    shown = Video.objects.filter(state=VideoState.PUBLISHED).select_related("cover", "channel", "edition")
    return list(shown.order_by("-published_at", "-id")[:limit])


def videos_of_channel(channel_id: int, limit: int) -> list[Video]:
    """Published films of one channel, newest first, at most `limit`, with their covers."""
    shown = Video.objects.filter(state=VideoState.PUBLISHED, channel_id=channel_id).select_related("cover", "channel")
    return list(shown.order_by("-published_at", "-id")[:limit])

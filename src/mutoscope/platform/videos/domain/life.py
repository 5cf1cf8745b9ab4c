"""A video's life: the states it can be in, and the moves between them.

The same table stands in the database as a trigger (migrations/0106_taken_down.sql); a test holds the two together.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum


class VideoState(StrEnum):
    """Where a video is in its life."""

    DRAFT = "draft"
    """It has a title and no film yet."""
    UPLOADING = "uploading"
    PROCESSING = "processing"
    READY = "ready"
    """It can be played, by its creator alone."""
    PUBLISHED = "published"
    UNLISTED = "unlisted"
    """Whoever has its address finds it; no list shows it."""
    ARCHIVED = "archived"
    """Put away by its creator. It can be brought back."""
    TAKEN_DOWN = "taken-down"
    """The operator has taken it away from everybody, for a reason in words. Staff alone can lift that (takedown/service.py)."""
    FAILED = "failed"
    """Processing gave up, for a reason in words. It can be tried again, or sent anew."""


MOVES: Mapping[VideoState, frozenset[VideoState]] = {
    VideoState.DRAFT: frozenset({VideoState.UPLOADING}),
    VideoState.UPLOADING: frozenset({VideoState.DRAFT, VideoState.PROCESSING, VideoState.READY}),
    VideoState.PROCESSING: frozenset({VideoState.READY, VideoState.FAILED}),
    VideoState.FAILED: frozenset({VideoState.PROCESSING, VideoState.UPLOADING}),
    VideoState.READY: frozenset(
        {
            VideoState.PUBLISHED,
            VideoState.UNLISTED,
            VideoState.ARCHIVED,
            VideoState.UPLOADING,
            VideoState.TAKEN_DOWN,
        }
    ),
    VideoState.PUBLISHED: frozenset(
        {VideoState.READY, VideoState.UNLISTED, VideoState.ARCHIVED, VideoState.TAKEN_DOWN}
    ),
    VideoState.UNLISTED: frozenset(
        {VideoState.READY, VideoState.PUBLISHED, VideoState.ARCHIVED, VideoState.TAKEN_DOWN}
    ),
    VideoState.ARCHIVED: frozenset({VideoState.READY, VideoState.TAKEN_DOWN}),
    VideoState.TAKEN_DOWN: frozenset(
        {VideoState.READY, VideoState.PUBLISHED, VideoState.UNLISTED, VideoState.ARCHIVED}
    ),
}

# Others than its creator may open its page: what they may play is a further question.
PUBLIC = frozenset({VideoState.PUBLISHED, VideoState.UNLISTED})
# It has an edition that is whole, and whoever may watch it can. One that was taken down has one too, and plays for nobody.
PLAYABLE = frozenset({VideoState.READY, VideoState.PUBLISHED, VideoState.UNLISTED, VideoState.ARCHIVED})
# Nobody has ever watched it, so that it may be deleted with all that belongs to it.
DISCARDABLE = frozenset({VideoState.DRAFT, VideoState.FAILED})


def may_get_another_file(state: VideoState, was_shown: bool) -> bool:
    """Whether another file may take the place of a film's own: until others could see it. What is sold stays what was shown."""
    return state in DISCARDABLE or (state is VideoState.READY and not was_shown)


def may_be_deleted(state: VideoState, was_shown: bool) -> bool:
    """Whether a film may be deleted with all that belongs to it: while nobody else could have seen it, let alone bought it."""
    return state in DISCARDABLE or (state in {VideoState.READY, VideoState.ARCHIVED} and not was_shown)


def may_move(origin: VideoState, target: VideoState) -> bool:
    """Whether a video may go from one state to the other."""
    return target in MOVES[origin]


def origins(target: VideoState) -> frozenset[VideoState]:
    """The states from which a video may come to this one."""
    return frozenset(origin for origin, targets in MOVES.items() if target in targets)

"""The one place that changes a video's state."""

from __future__ import annotations

from mutoscope.platform.videos.domain.life import VideoState, origins
from mutoscope.platform.videos.failures import NoSuchVideo, NotNow
from mutoscope.platform.videos.statements import fetch

REASON_LENGTH_MAX = 500


def move(
    video_id: int,
    target: VideoState,
    *,
    by_id: int | None = None,
    reason: str = "",
    only_from: frozenset[VideoState] | None = None,
) -> None:
    """Move a video, in the caller's transaction if there is one. `only_from` narrows the states that it may come from.

    Raises NotNow when it is in another state, NoSuchVideo when there is none.
    """
    allowed = origins(target) if only_from is None else origins(target) & only_from
    parameters = {
        "video_id": video_id,
        "target": target.value,
        "by_id": by_id,
        "reason": reason[:REASON_LENGTH_MAX],
        "origins": [state.value for state in allowed],
    }
    if fetch("life", "move", parameters):
        return
    rows = fetch("life", "state", {"video_id": video_id})
    if not rows:
        raise NoSuchVideo
    raise NotNow(state=rows[0][0], wanted=target.value)

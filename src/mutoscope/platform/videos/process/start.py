"""Hand a video over to the workers."""

from __future__ import annotations

from mutoscope.platform.videos.models import Video
from mutoscope.platform.videos.process.orders import Order
from mutoscope.platform.videos.process.pipeline import MAKE_FILM


def start_processing(video_id: int, *, upload_token: str = "") -> int:
    """Start the pipeline in the caller's transaction; the run's id. `upload_token` names the bytes of a fresh upload."""
    run_id = MAKE_FILM.start(Order(video_id, upload_token), subject=f"video:{video_id}")
    Video.objects.filter(pk=video_id).update(run_id=run_id)
    return run_id

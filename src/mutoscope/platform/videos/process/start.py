"""Hand a video over to the workers."""

from __future__ import annotations


def start_processing(video_id: int, *, upload_token: str = "") -> int:
    """Start the pipeline in the caller's transaction; the run's id. `upload_token` names the bytes of a fresh upload."""
    raise NotImplementedError

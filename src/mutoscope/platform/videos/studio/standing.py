"""Where a film stands, in words for its creator: cheap enough for a page that asks every second."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from django.utils import timezone

from mutoscope.engines.tasks.pipelines.progress import RunProgress, read_progress
from mutoscope.engines.tasks.pipelines.store import UnknownRun
from mutoscope.platform.videos.domain.life import VideoState
from mutoscope.platform.videos.models import Upload, Video
from mutoscope.platform.videos.process.failing import BROKEN, fail_video

# What people call the steps of the pipeline, and the units that each consists of, the one that takes longest first.
STEPS = (
    ("Received", ("receive",)),
    ("Looked into", ("probe", "open_edition")),
    ("Preview", ("fast_lane",)),
    ("All renditions", ("encode", "covers", "subtitles", "trailer")),
    ("Packaged", ("package", "publish")),
)
STATE_WORDS = {
    VideoState.DRAFT: "Draft",
    VideoState.UPLOADING: "Uploading",
    VideoState.PROCESSING: "Processing",
    VideoState.READY: "Ready",
    VideoState.PUBLISHED: "Published",
    VideoState.UNLISTED: "Unlisted",
    VideoState.ARCHIVED: "Archived",
    VideoState.TAKEN_DOWN: "Taken down",
    VideoState.FAILED: "Failed",
}
STATE_BADGES = {
    VideoState.PUBLISHED: "success",
    VideoState.UNLISTED: "success",
    VideoState.TAKEN_DOWN: "danger",
    VideoState.FAILED: "danger",
    VideoState.PROCESSING: "warning",
    VideoState.UPLOADING: "warning",
}


# A block of 1 MB takes this long at 17 kB/s. A browser that is closed says nothing, so silence has to.
STOPPED_AFTER = timedelta(seconds=60)


@dataclass(frozen=True)
class Step:
    label: str
    # done, now or next.
    state: str
    note: str = ""


@dataclass(frozen=True)
class Standing:
    """`percent` and `steps` while it is processed; `is_moving` while the page should ask again."""

    words: str
    badge: str
    is_moving: bool
    percent: int = 0
    sentence: str = ""
    steps: tuple[Step, ...] = ()
    can_preview: bool = False


def standing_of(video: Video) -> Standing:
    """One or four queries. A run that ended without a word to the creator is noticed here, too."""
    state = VideoState(video.state)
    words, badge = STATE_WORDS[state], STATE_BADGES.get(state, "")
    if state is VideoState.UPLOADING:
        return _uploading(video, words, badge)
    if state is not VideoState.PROCESSING or video.run_id is None:
        return Standing(words, badge, is_moving=False, sentence=video.state_reason)
    try:
        progress = read_progress(video.run_id)
    except UnknownRun:
        return Standing(words, badge, is_moving=True, sentence="Waiting for a worker")
    if progress.state in ("FAILED", "CANCELLED", "STOPPED"):
        fail_video(video.pk, BROKEN, run_id=video.run_id)
    percent = min(99, int(progress.fraction * 100))
    can_preview = video.next_edition_id is not None and _has_begun(video.next_edition_id)
    return Standing(words, badge, True, percent, _sentence(progress, percent), _steps(progress), can_preview)


def _uploading(video: Video, words: str, badge: str) -> Standing:
    upload = Upload.objects.filter(video=video, state=Upload.State.OPEN).first()
    if upload is None:
        # It became whole after the film was read.
        return Standing(words, badge, is_moving=True, percent=100, sentence="All of it is here")
    percent = upload.offset_bytes * 100 // upload.length_bytes
    if timezone.now() - upload.moved_at > STOPPED_AFTER:
        again = upload.file_name or "the same file"
        return Standing(
            "Not finished", badge, False, percent, f"Stopped at {percent} %. Choose {again} again to go on."
        )
    return Standing(words, badge, True, percent, f"{percent} % is here")


def _has_begun(edition_id: int) -> bool:
    from mutoscope.platform.videos.models import Piece

    return Piece.objects.filter(edition_id=edition_id, first_number=0).exists()


def _steps(progress: RunProgress) -> tuple[Step, ...]:
    live = {unit.unit for unit in progress.live}
    at = [number for number, (_, units) in enumerate(STEPS) if any(unit in live for unit in units)]
    current = min(at) if at else 0
    made = []
    for number, (label, units) in enumerate(STEPS):
        state = "done" if number < current else "now" if number == current else "next"
        part = progress.parts.get(units[0], 0.0)
        note = f"{part:.0%}" if state == "now" and 0 < part < 1 else ""
        made.append(Step(label, state, note))
    return tuple(made)


def _sentence(progress: RunProgress, percent: int) -> str:
    running = [unit for unit in progress.live if unit.is_running]
    waiting = next((unit.note for unit in progress.live if unit.note.startswith("waiting")), "")
    if waiting.startswith("waiting: NoWalls"):
        return f"{percent} %, waiting for a machine that can open films safely"
    if waiting:
        return f"{percent} %, waiting for room or for the storage"
    if not running:
        return f"{percent} %, waiting for a worker"
    notes = list(dict.fromkeys(unit.note for unit in running if unit.note and unit.unit in ("fast_lane", "encode")))
    return f"Encoding {', '.join(notes)}, {percent} %" if notes else f"Processing, {percent} %"

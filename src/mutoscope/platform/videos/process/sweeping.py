"""What nobody asks for and has to be done all the same: files that belong to nothing, runs that ended without a word."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import timedelta
from functools import partial

import structlog
from django.core.files.storage import Storage, storages
from django.db.models import F, Q, QuerySet
from django.utils import timezone
from django_tasks import task

from mutoscope.engines.tasks.pipelines.progress import read_progress
from mutoscope.engines.tasks.pipelines.store import UnknownRun
from mutoscope.engines.tasks.queue.schedules import schedule
from mutoscope.platform.videos.domain.life import VideoState
from mutoscope.platform.videos.domain.places import MANIFEST, PUBLIC_ID, TOKEN
from mutoscope.platform.videos.models import Cover, Edition, Subtitle, Video
from mutoscope.platform.videos.process import ffmpeg, originals
from mutoscope.platform.videos.process.failing import BROKEN, fail_video
from mutoscope.platform.videos.process.segments import FILMS

log = structlog.get_logger(__name__)

# Whoever is watching an edition that another has replaced may watch it to its end.
DROPPED_KEPT = timedelta(hours=24)
# What is younger may be about to be named: a file is there before its row, and before a copy is whole.
YOUNG = timedelta(hours=1)
OVER = ("FAILED", "CANCELLED", "STOPPED")


@schedule("23 * * * *", name="videos.sweep")
@task()
def sweep() -> int:
    """Everything below; how many files, folders and rows went."""
    swept = ffmpeg.sweep_work_folders() + notice_ended_runs()
    swept += drop_editions() + sweep_films() + sweep_originals()
    if swept:
        log.info("swept", action="sweep_videos", count=swept)
    return swept


def notice_ended_runs() -> int:
    """Videos whose run was ended by an operator, or with its worker: their creators are told."""
    told = 0
    for video in Video.objects.filter(state=VideoState.PROCESSING, run_id__isnull=False):
        try:
            ended = read_progress(video.run_id or 0).state in OVER
        except UnknownRun:
            ended = True
        if ended:
            fail_video(video.pk, BROKEN, run_id=video.run_id or 0)
            told += 1
    return told


def drop_editions() -> int:
    """Rows of editions that were replaced a while ago, or given up for another. Their files go next."""
    ours = Q(pk__in=Video.objects.filter(edition__isnull=False).values("edition"))
    making = Q(pk__in=Video.objects.filter(next_edition__isnull=False).values("next_edition"))
    gone = Edition.objects.exclude(ours | making).filter(
        Q(dropped_at__lt=timezone.now() - DROPPED_KEPT)
        | Q(dropped_at=None, created_at__lt=timezone.now() - DROPPED_KEPT)
    )
    count = gone.count()
    gone.delete()
    return count


def sweep_films(storage: Storage | None = None) -> int:
    """Files of the public storage that no row and no manifest names, if they are not young; how many.

    An edition that is being made is left alone: its workers are writing there.
    """
    storage = storage or storages[FILMS]
    swept = 0
    for public_id in _folders(storage, ""):
        if not PUBLIC_ID.fullmatch(public_id):
            continue
        for folder in _folders(storage, public_id):
            path = f"{public_id}/{folder}"
            if folder == "covers":
                covers = Cover.objects.filter(video__public_id=public_id)
                swept += _delete(storage, path, partial(_names, covers))
            elif folder == "subtitles":
                subtitles = Subtitle.objects.filter(video__public_id=public_id)
                swept += _delete(storage, path, partial(_names, subtitles))
            elif TOKEN.fullmatch(folder):
                swept += _sweep_edition(storage, path)
    return swept


def _sweep_edition(storage: Storage, path: str) -> int:
    public_id, _, token = path.partition("/")
    edition = Edition.objects.filter(token=token, video__public_id=public_id).first()
    if edition is None:
        return _delete(storage, path, frozenset)
    if edition.whole_at is None:
        return 0
    return _delete(storage, path, partial(_in_manifest, storage, path))


def sweep_originals() -> int:
    """Originals that no video names nor will, and this machine's copies of those that are not being worked on."""
    storage = storages[originals.ORIGINALS]
    swept = 0
    for public_id in _folders(storage, ""):
        swept += _delete(storage, public_id, partial(originals.names_of, public_id))
    for name in (
        Video.objects.exclude(state=VideoState.PROCESSING).exclude(original="").values_list("original", flat=True)
    ):
        originals.forget_copy(name, unused_for=YOUNG)
    return swept


def _names(rows: QuerySet[Cover] | QuerySet[Subtitle]) -> frozenset[str]:
    return frozenset(rows.annotate(name=F("file")).values_list("name", flat=True))


def _in_manifest(storage: Storage, path: str) -> frozenset[str]:
    with storage.open(f"{path}/{MANIFEST}", "rb") as file:
        listed = json.loads(file.read())["files"]
    return frozenset([f"{path}/{MANIFEST}", *(f"{path}/{entry['path']}" for entry in listed)])


def _delete(storage: Storage, folder: str, kept: Callable[[], frozenset[str]]) -> int:
    """Delete what lies in a folder, is not kept, and is not young; how many files.

    What is kept is asked after the files were listed: a name that was written down meanwhile counts.
    """
    listed = list(files_below(storage, folder))
    named = kept()
    unnamed = [name for name in listed if name not in named and not _is_young(storage, name)]
    for name in unnamed:
        storage.delete(name)
    return len(unnamed)


def _is_young(storage: Storage, name: str) -> bool:
    """Whether a file was written a short while ago, by the storage's own word; so is one that has gone since it was listed."""
    try:
        return storage.get_modified_time(name) > timezone.now() - YOUNG
    except Exception:
        # Each storage says in its own way that there is no such file.
        if storage.exists(name):
            raise
        return True


def _folders(storage: Storage, path: str) -> list[str]:
    try:
        return [name.strip("/") for name in storage.listdir(path)[0]]
    except FileNotFoundError:
        return []


def files_below(storage: Storage, path: str) -> Iterator[str]:
    """The name of every file below a folder of a storage; none where there is no such folder."""
    try:
        folders, found = storage.listdir(path)
    except FileNotFoundError:
        return
    for name in found:
        yield f"{path}/{name}"
    for folder in folders:
        yield from files_below(storage, f"{path}/{folder.strip('/')}")

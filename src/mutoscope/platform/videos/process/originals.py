"""Originals: kept privately, and at hand as a file where they are worked on."""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import shutil
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

from django.conf import settings
from django.core.files import File
from django.core.files.storage import storages
from django.db import transaction

from mutoscope.platform.videos.models import Upload, Video
from mutoscope.platform.videos.sharing import make_folder
from mutoscope.platform.videos.upload import files

ORIGINALS = "originals"


def fetch_upload(video: Video, upload_token: str) -> str:
    """Move a whole upload to where originals are kept; the original's name. Done already, it changes nothing.

    The name is known before the file is there, from the upload's row (`names_of`): so the sweep lets it stand, whenever it
    comes by, and an attempt that follows one that was killed finds what that one left.
    """
    upload = Upload.objects.get(token=upload_token, video=video)
    name = _name_for(video.public_id, upload_token)
    storage = storages[ORIGINALS]
    if upload.state != Upload.State.FETCHED:
        _put(name, files.path_of(upload_token))
    with transaction.atomic():
        # Its upload names the original until the video does, with no moment between.
        upload = Upload.objects.select_for_update().get(pk=upload.pk)
        locked = Video.objects.select_for_update().get(pk=video.pk)
        video.original, earlier = locked.original, ""
        if upload.state != Upload.State.FETCHED:
            video.original, earlier = name, locked.original
            Video.objects.filter(pk=video.pk).update(original=name)
            Upload.objects.filter(pk=upload.pk).update(state=Upload.State.FETCHED)
    files.remove(upload_token)
    if earlier and earlier != name:
        storage.delete(earlier)
    return video.original


def names_of(public_id: str) -> frozenset[str]:
    """The originals that a video has, or is about to have: none of them may be deleted.

    Uploads are asked first: one that is fetched by then has given its name to the video, in the same transaction.
    """
    coming = Upload.objects.filter(video__public_id=public_id, state=Upload.State.COMPLETE)
    names = {_name_for(public_id, token) for token in coming.values_list("token", flat=True)}
    names.update(Video.objects.filter(public_id=public_id).values_list("original", flat=True))
    return frozenset(names)


def _name_for(public_id: str, upload_token: str) -> str:
    """Where an upload's bytes will lie. Their address is of no use any more once they are whole; this is not read out of the name."""
    digest = hashlib.sha256(f"original:{upload_token}".encode()).hexdigest()
    return f"{public_id}/{digest[:24]}"


def _put(name: str, source: Path) -> None:
    """Make sure that the storage has the bytes, under this name."""
    place = _local_path(name)
    if place is None:
        with source.open("rb") as file:
            storages[ORIGINALS].save(name, File(file))
        return
    make_folder(place.parent, 0o750)
    try:
        os.link(source, place)
    except FileExistsError:
        # Of an attempt before this one; a file is there whole or not at all.
        pass
    except OSError:
        # Another disk.
        with source.open("rb") as file:
            storages[ORIGINALS].save(name, File(file))
    files.sync_folder(place.parent)


def at_hand(name: str) -> Path:
    """The original as a file on this machine, copied here once if it lies elsewhere. Raises OSError."""
    place = _local_path(name)
    if place is not None:
        return place
    copy = _copy_of(name)
    make_folder(copy.parent)
    # Whoever comes second waits for the first one's copy.
    with _locked(copy, fcntl.LOCK_EX):
        if not copy.exists():
            aside = copy.with_suffix(".part")
            with storages[ORIGINALS].open(name, "rb") as source, aside.open("wb") as target:
                shutil.copyfileobj(source, target, 1024 * 1024)
            aside.replace(copy)
        # It was needed just now.
        os.utime(copy)
    return copy


def forget_copy(name: str, *, unused_for: timedelta) -> None:
    """Delete this machine's copy of an original that lies elsewhere, if nobody has asked for it for so long."""
    copy = _copy_of(name)
    kept = [path for path in (copy, _lock_of(copy)) if path.exists()]
    if _local_path(name) is not None or not kept:
        return
    if any(time.time() - path.stat().st_mtime < unused_for.total_seconds() for path in kept):
        return
    with contextlib.suppress(BlockingIOError), _locked(copy, fcntl.LOCK_EX | fcntl.LOCK_NB):
        for path in (copy, copy.with_suffix(".part"), _lock_of(copy)):
            path.unlink(missing_ok=True)


def _copy_of(name: str) -> Path:
    return Path(settings.VIDEO_WORK_FOLDER) / "originals" / name.replace("/", "_")


def _lock_of(copy: Path) -> Path:
    return copy.with_name(f"{copy.name}.lock")


@contextlib.contextmanager
def _locked(copy: Path, how: int) -> Iterator[None]:
    """Hold the lock of a copy. Raises BlockingIOError where `how` does not wait and another holds it."""
    path = _lock_of(copy)
    while True:
        with path.open("w") as lock:
            fcntl.flock(lock, how)
            # Whoever had it may have deleted it: then another may hold the one that came after.
            if _is_at(path, lock.fileno()):
                yield
                return


def _is_at(path: Path, handle: int) -> bool:
    try:
        return os.path.samestat(path.stat(), os.fstat(handle))
    except FileNotFoundError:
        return False


def _local_path(name: str) -> Path | None:
    try:
        return Path(storages[ORIGINALS].path(name))
    except NotImplementedError:
        return None

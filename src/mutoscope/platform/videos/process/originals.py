"""Originals: kept privately, and at hand as a file where they are worked on."""

from __future__ import annotations

import fcntl
import os
import shutil
from pathlib import Path

from django.conf import settings
from django.core.files import File
from django.core.files.storage import storages

from mutoscope.platform.videos.models import Upload, Video
from mutoscope.platform.videos.sharing import make_folder
from mutoscope.platform.videos.tokens import new_token
from mutoscope.platform.videos.upload import files

ORIGINALS = "originals"


def fetch_upload(video: Video, upload_token: str) -> str:
    """Move a whole upload to where originals are kept; the original's name. Done already, it changes nothing."""
    upload = Upload.objects.get(token=upload_token, video=video)
    if upload.state == Upload.State.FETCHED:
        return video.original
    name = f"{video.public_id}/{new_token()}"
    source = files.path_of(upload_token)
    storage = storages[ORIGINALS]
    place = _local_path(name)
    if place is None:
        with source.open("rb") as file:
            storage.save(name, File(file))
    else:
        make_folder(place.parent, 0o750)
        try:
            os.link(source, place)
        except OSError:
            # Another disk.
            with source.open("rb") as file:
                storage.save(name, File(file))
        files.sync_folder(place.parent)
    earlier = video.original
    video.original = name
    video.save(update_fields=["original"])
    Upload.objects.filter(pk=upload.pk).update(state=Upload.State.FETCHED)
    files.remove(upload_token)
    if earlier:
        storage.delete(earlier)
    return name


def at_hand(name: str) -> Path:
    """The original as a file on this machine, copied here once if it lies elsewhere. Raises OSError."""
    place = _local_path(name)
    if place is not None:
        return place
    cache = Path(settings.VIDEO_WORK_FOLDER) / "originals"
    make_folder(cache)
    copy = cache / name.replace("/", "_")
    with (cache / f"{copy.name}.lock").open("w") as lock:
        # Whoever comes second waits for the first one's copy.
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not copy.exists():
            aside = copy.with_suffix(".part")
            with storages[ORIGINALS].open(name, "rb") as source, aside.open("wb") as target:
                shutil.copyfileobj(source, target, 1024 * 1024)
            aside.replace(copy)
    return copy


def forget_copy(name: str) -> None:
    """Delete this machine's copy of an original that lies elsewhere."""
    cache = Path(settings.VIDEO_WORK_FOLDER) / "originals"
    (cache / name.replace("/", "_")).unlink(missing_ok=True)
    (cache / f"{name.replace('/', '_')}.lock").unlink(missing_ok=True)


def _local_path(name: str) -> Path | None:
    try:
        return Path(storages[ORIGINALS].path(name))
    except NotImplementedError:
        return None

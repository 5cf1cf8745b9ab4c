"""Run by test_two_users.py as root: connects to the database, becomes another user, and does one part's share of the work."""

from __future__ import annotations

import os
import sys

import django
from django.core.files.base import ContentFile
from django.core.files.storage import storages
from django.db import connection

django.setup()

# All of it now: the user that this becomes may not be let into where Python's own modules lie.
from mutoscope.platform.videos.models import Upload, Video  # noqa: E402
from mutoscope.platform.videos.process import ffmpeg, originals  # noqa: E402
from mutoscope.platform.videos.upload import files  # noqa: E402

USERS = {"web": 61_001, "films": 61_002, "worker": 61_003}
GROUP = 61_000
TOKEN = "b" * 24
FILM = b"film" * 4096


def become(user: str, umask: int) -> None:
    os.setgroups([])
    os.setresgid(GROUP, GROUP, GROUP)
    os.setresuid(USERS[user], USERS[user], USERS[user])
    os.umask(umask)


def upload() -> None:
    """What a creator sends arrives."""
    files.room_bytes()
    files.begin(TOKEN)
    files.write(TOKEN, 0, FILM)


def process() -> None:
    """The upload becomes an original, is worked on, and leaves files of a film behind."""
    (sent,) = Upload.objects.filter(token=TOKEN).select_related("video")
    name = originals.fetch_upload(sent.video, TOKEN)
    with ffmpeg.work_folder("probe") as folder:
        assert originals.at_hand(name).read_bytes() == FILM
        (folder / "made").write_bytes(FILM)
    storages["films"].save("1/edition/0.m4s", ContentFile(FILM))
    # What a worker that was killed leaves behind.
    with ffmpeg.work_folder("killed") as folder:
        (folder / "made").write_bytes(FILM)
        os._exit(0)


def look() -> None:
    """The film is watched, and its creator takes it away."""
    with storages["films"].open("1/edition/0.m4s") as file:
        assert file.read() == FILM
    (video,) = Video.objects.exclude(original="")
    storages["films"].delete("1/edition/0.m4s")
    storages["originals"].delete(video.original)
    assert ffmpeg.sweep_work_folders() == 1


if __name__ == "__main__":
    # Before the user changes: PostgreSQL knows the suite's own.
    connection.ensure_connection()
    become(sys.argv[1], int(sys.argv[2], 8))
    {"upload": upload, "process": process, "look": look}[sys.argv[3]]()

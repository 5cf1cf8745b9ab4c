"""The use cases around uploads: begin, finish, cancel."""

from __future__ import annotations

import contextlib
import re
from dataclasses import dataclass
from datetime import timedelta

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from mutoscope.engines.services import Internals, NoInternals, NoOutputs, Outputs, Service, State, Steps, atomic
from mutoscope.platform.accounts.public import BadText, Channel, Person, parse_title
from mutoscope.platform.videos.domain.life import VideoState
from mutoscope.platform.videos.failures import NoSuchVideo, NotNow, NotSafeHere
from mutoscope.platform.videos.life.moves import move
from mutoscope.platform.videos.models import Edition, Move, Upload, Video
from mutoscope.platform.videos.process.start import start_processing
from mutoscope.platform.videos.statements import fetch
from mutoscope.platform.videos.upload import files
from mutoscope.platform.videos.upload.failures import AlreadyShown, DiskFull, Ended, NoRoom, TooLarge
from mutoscope.platform.videos.walls import NoWalls, sandbox_for_uploads

UNTITLED = "Untitled film"
FILE_NAME_LENGTH_MAX = 255


@dataclass(frozen=True)
class BeginUploadInputs:
    owner: Person
    channel: Channel
    length_bytes: int
    file_name: str = ""
    # An existing video that was never shown and that this file is for; without one a new video is made.
    video_public_id: str | None = None


class BeginUploadInternals(Internals):
    video: Video


class BeginUploadOutputs(Outputs):
    upload: Upload


Beginning = State[BeginUploadInputs, BeginUploadInternals, BeginUploadOutputs]


class BeginUpload(Service[BeginUploadInputs, BeginUploadInternals, BeginUploadOutputs]):
    """A creator announces a file; from then on its bytes may come."""

    failures = (TooLarge, NoRoom, DiskFull, NotSafeHere, NoSuchVideo, AlreadyShown, NotNow)

    def steps(self) -> Steps[BeginUploadInputs, BeginUploadInternals, BeginUploadOutputs]:
        return (
            self.refuse_without_walls,
            self.refuse_what_is_too_large,
            atomic(self.claim_room, self.find_or_make_the_video, self.open, savepoint=True),
        )

    def refuse_without_walls(self, beginning: Beginning) -> None:
        """Those of this machine: the one that opens the file later asks for its own."""
        try:
            sandbox_for_uploads()
        except NoWalls:
            raise NotSafeHere from None

    def refuse_what_is_too_large(self, beginning: Beginning) -> None:
        if beginning.inputs.length_bytes > settings.UPLOAD_BYTES_MAX:
            raise TooLarge(length=beginning.inputs.length_bytes, most=settings.UPLOAD_BYTES_MAX)
        if beginning.inputs.length_bytes > files.room_bytes():
            raise DiskFull

    def claim_room(self, beginning: Beginning) -> None:
        channel = {"channel_id": beginning.inputs.channel.pk}
        fetch("upload", "lock_channel", channel)
        taken = int(fetch("upload", "room_taken", channel)[0][0])
        left = max(0, settings.CHANNEL_BYTES_MAX - taken)
        if beginning.inputs.length_bytes > left:
            raise NoRoom(needed=beginning.inputs.length_bytes, left=left)

    def find_or_make_the_video(self, beginning: Beginning) -> None:
        inputs = beginning.inputs
        if inputs.video_public_id is None:
            video = Video.objects.create(
                channel=inputs.channel, title=title_from(inputs.file_name), state_by=inputs.owner
            )
        else:
            own = Video.objects.select_for_update(of=("self",)).filter(channel=inputs.channel)
            found = own.filter(public_id=inputs.video_public_id).first()
            if found is None:
                raise NoSuchVideo
            if found.published_at is not None:
                raise AlreadyShown
            video = found
        beginning.internals.video = video

    def open(self, beginning: Beginning) -> None:
        inputs, video = beginning.inputs, beginning.internals.video
        move(video.pk, VideoState.UPLOADING, by_id=inputs.owner.pk)
        upload = Upload.objects.create(
            video=video,
            owner=inputs.owner,
            length_bytes=inputs.length_bytes,
            file_name="".join(letter for letter in inputs.file_name if letter.isprintable())[:FILE_NAME_LENGTH_MAX],
            expires_at=timezone.now() + timedelta(seconds=settings.UPLOAD_LIFETIME_S),
        )
        # A rollback leaves an empty file without a row, which the sweep finds.
        files.begin(upload.token)
        beginning.outputs.upload = upload


def title_from(file_name: str) -> str:
    """A first title out of what the file was called, without folders and ending."""
    stem = re.split(r"[/\\]", file_name)[-1].rsplit(".", 1)[0]
    words = re.sub(r"[._\s-]+", " ", "".join(letter for letter in stem if letter.isprintable()))[:100]
    try:
        return parse_title(words)
    except BadText:
        return UNTITLED


@dataclass(frozen=True)
class FinishUploadInputs:
    upload: Upload


Finishing = State[FinishUploadInputs, NoInternals, NoOutputs]


class FinishUpload(Service[FinishUploadInputs, NoInternals, NoOutputs]):
    """The last byte is there: the video goes to the workers, in the same transaction."""

    failures = (Ended, NotNow, NoSuchVideo)

    def steps(self) -> Steps[FinishUploadInputs, NoInternals, NoOutputs]:
        return (atomic(self.close, self.hand_over),)

    def close(self, finishing: Finishing) -> None:
        upload = finishing.inputs.upload
        if not fetch("upload", "end", {"id": upload.pk, "state": Upload.State.COMPLETE}):
            raise Ended

    def hand_over(self, finishing: Finishing) -> None:
        upload = finishing.inputs.upload
        move(upload.video_id, VideoState.PROCESSING, by_id=upload.owner_id)
        # Of a film that was ready and gets another file: nobody but its creator has seen what was made of the first one.
        video = Video.objects.filter(pk=upload.video_id)
        Edition.objects.filter(pk__in=video.values("edition")).update(dropped_at=timezone.now())
        video.update(original_bytes=upload.length_bytes, edition=None)
        start_processing(upload.video_id, upload_token=upload.token)


def finish_if_whole(upload: Upload, offset: int) -> None:
    """Finish an upload whose last byte is there; no effect on others, nor when somebody else is just doing it.

    Asked for after the last byte, and again by whoever looks at the upload: the server may have died in between.
    """
    if offset == upload.length_bytes and upload.state == Upload.State.OPEN:
        with contextlib.suppress(Ended):
            FinishUpload().call(FinishUploadInputs(upload))


@dataclass(frozen=True)
class EndUploadInputs:
    upload: Upload
    # Why, in words; empty when its owner cancelled it. Then a video that is nothing but this upload goes with it.
    reason: str = ""


Ending = State[EndUploadInputs, NoInternals, NoOutputs]


class EndUpload(Service[EndUploadInputs, NoInternals, NoOutputs]):
    """An upload that will not be finished gives back its room, and a film that it was to replace stays as it was."""

    failures = (Ended, NotNow, NoSuchVideo)

    def steps(self) -> Steps[EndUploadInputs, NoInternals, NoOutputs]:
        return (atomic(self.close, self.give_back_the_video), self.remove_the_bytes)

    def close(self, ending: Ending) -> None:
        if not fetch("upload", "end", {"id": ending.inputs.upload.pk, "state": Upload.State.ENDED}):
            raise Ended

    def give_back_the_video(self, ending: Ending) -> None:
        upload = ending.inputs.upload
        begun = Move.objects.filter(video=upload.video_id, to_state=VideoState.UPLOADING).latest("id")
        was_ready = begun.from_state == VideoState.READY
        target = VideoState.READY if was_ready else VideoState.DRAFT
        move(upload.video_id, target, by_id=upload.owner_id, reason=ending.inputs.reason)
        if not ending.inputs.reason and Upload.objects.filter(video=upload.video_id).count() == 1:
            Video.objects.filter(pk=upload.video_id, state=VideoState.DRAFT, original="").delete()

    def remove_the_bytes(self, ending: Ending) -> None:
        """After the commit: a rollback must find them again."""
        token = ending.inputs.upload.token
        transaction.on_commit(lambda: files.remove(token))

"""Deleting a film. Its rows go first and together; its files, which nothing leads to any more, go after the commit."""

from __future__ import annotations

from dataclasses import dataclass

from django.db.models import ProtectedError

from mutoscope.engines.services import NoInternals, NoOutputs, Service, State, Steps, atomic
from mutoscope.platform.videos.domain.life import VideoState, may_be_deleted
from mutoscope.platform.videos.failures import NoSuchVideo, NotNow, Refused
from mutoscope.platform.videos.models import Video
from mutoscope.platform.videos.removal.tasks import remove_files


class WasShown(Refused):
    """Others could see it: whoever paid for it keeps it."""

    def sentence(self) -> str:
        return "Others could see this film, so it stays: whoever unlocked it can still watch it. Archive it instead."


@dataclass(frozen=True)
class DiscardVideoInputs:
    video: Video


Discarding = State[DiscardVideoInputs, NoInternals, NoOutputs]


class DiscardVideo(Service[DiscardVideoInputs, NoInternals, NoOutputs]):
    """A film that nobody else could ever see is deleted, with its original, what was made of it, its keys, covers and subtitles."""

    failures = (NotNow, NoSuchVideo, WasShown)

    def steps(self) -> Steps[DiscardVideoInputs, NoInternals, NoOutputs]:
        return (atomic(self.delete, self.have_its_files_removed, savepoint=True),)

    def delete(self, discarding: Discarding) -> None:
        # Locked: whoever publishes it at this moment comes before or finds nothing.
        video = Video.objects.select_for_update().filter(pk=discarding.inputs.video.pk).first()
        if video is None:
            raise NoSuchVideo
        was_shown = video.published_at is not None
        if not may_be_deleted(VideoState(video.state), was_shown=was_shown):
            raise WasShown if was_shown else NotNow(state=video.state, wanted="deleted")
        try:
            video.delete()
        except ProtectedError:
            # A receipt, a tip or a bundle names it. It can only be so of a film that was shown.
            raise WasShown from None

    def have_its_files_removed(self, discarding: Discarding) -> None:
        """In the same transaction: a server that dies after the commit leaves a task, which a worker does."""
        remove_files.enqueue(discarding.inputs.video.public_id)

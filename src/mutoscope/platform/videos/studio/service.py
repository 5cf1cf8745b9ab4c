"""What a creator does with a film, apart from sending it."""

from __future__ import annotations

import io
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from django.core.files.base import ContentFile
from django.core.files.storage import storages
from django.db import transaction
from PIL import Image, ImageOps, UnidentifiedImageError

from mutoscope.engines.services import Internals, NoInternals, NoOutputs, Outputs, Service, State, Steps, atomic
from mutoscope.engines.tasks.pipelines.pipeline import UnknownRun, WrongState, resume
from mutoscope.platform.accounts.public import Person
from mutoscope.platform.videos.domain import webvtt
from mutoscope.platform.videos.domain.life import VideoState
from mutoscope.platform.videos.domain.source import Unusable
from mutoscope.platform.videos.failures import NoSuchVideo, NotNow, NotSafeHere, Refused, Unacceptable
from mutoscope.platform.videos.life.moves import move
from mutoscope.platform.videos.models import Cover, Subtitle, Video
from mutoscope.platform.videos.process import ffmpeg
from mutoscope.platform.videos.process.finishing import keep_cover
from mutoscope.platform.videos.process.rows import label_of
from mutoscope.platform.videos.process.start import start_processing
from mutoscope.platform.videos.studio.words import ChangedMeanwhile, Words, save_words
from mutoscope.platform.videos.subtitles.convert import BYTES_MAX, convert
from mutoscope.platform.videos.tokens import letters
from mutoscope.platform.videos.walls import NoWalls

COVER_BYTES_MAX = 10 * 1024 * 1024
COVER_PIXELS_MAX = 40_000_000
COVER_SIZE = (1280, 720)
SUBTITLES_MAX = 60
# A subtitle file is converted within this much of a film's allowance.
SUBTITLES_FILM_S = 60.0


@dataclass(frozen=True)
class EditVideoInputs:
    video: Video
    words: Words


Editing = State[EditVideoInputs, NoInternals, NoOutputs]


class EditVideo(Service[EditVideoInputs, NoInternals, NoOutputs]):
    """A creator gives a film its words."""

    failures = (Unacceptable, ChangedMeanwhile, NoSuchVideo)

    def steps(self) -> Steps[EditVideoInputs, NoInternals, NoOutputs]:
        return (self.save,)

    def save(self, editing: Editing) -> None:
        save_words(editing.inputs.video, editing.inputs.words)


@dataclass(frozen=True)
class ShowVideoInputs:
    video: Video
    by: Person
    # Published, unlisted, ready (seen by nobody else) or archived.
    state: VideoState
    # What stood in the fields beside the button: saved with the click, or nothing is done.
    words: Words | None = None


Showing = State[ShowVideoInputs, NoInternals, NoOutputs]


class ShowVideo(Service[ShowVideoInputs, NoInternals, NoOutputs]):
    """A creator decides who may see a film."""

    failures = (NotNow, NoSuchVideo, Unacceptable, ChangedMeanwhile)

    def steps(self) -> Steps[ShowVideoInputs, NoInternals, NoOutputs]:
        return (atomic(self.save_its_words, self.move_it, savepoint=True),)

    def save_its_words(self, showing: Showing) -> None:
        if showing.inputs.words is not None:
            save_words(showing.inputs.video, showing.inputs.words)

    def move_it(self, showing: Showing) -> None:
        inputs = showing.inputs
        shown = frozenset({VideoState.READY, VideoState.PUBLISHED, VideoState.UNLISTED, VideoState.ARCHIVED})
        if inputs.state not in shown:
            raise NotNow(state=inputs.video.state, wanted=inputs.state.value)
        move(inputs.video.pk, inputs.state, by_id=inputs.by.pk, only_from=shown)


@dataclass(frozen=True)
class RetryVideoInputs:
    video: Video
    by: Person


Retrying = State[RetryVideoInputs, NoInternals, NoOutputs]


class RetryVideo(Service[RetryVideoInputs, NoInternals, NoOutputs]):
    """A film that failed is tried again, from where it failed."""

    failures = (NotNow, NoSuchVideo)

    def steps(self) -> Steps[RetryVideoInputs, NoInternals, NoOutputs]:
        return (atomic(self.move_back, self.go_on),)

    def move_back(self, retrying: Retrying) -> None:
        inputs = retrying.inputs
        failed = frozenset({VideoState.FAILED})
        move(inputs.video.pk, VideoState.PROCESSING, by_id=inputs.by.pk, only_from=failed)

    def go_on(self, retrying: Retrying) -> None:
        video = retrying.inputs.video
        try:
            resume(video.run_id or 0)
        except (UnknownRun, WrongState):
            # The run is not there any more, or was made by an older release.
            start_processing(video.pk)


class NotAPicture(Refused):
    """The file is not a picture that can be used."""

    def field(self) -> str:
        return "picture"

    def sentence(self) -> str:
        return "This file cannot be used as a cover. Use a PNG, JPEG or WebP of at most 10 MB and 640 pixels or more across."


class NotSubtitles(Refused):
    """The file holds no subtitles that can be read."""

    def field(self) -> str:
        return "file"

    def sentence(self) -> str:
        return "This file holds no subtitles that can be read here. Use SRT, WebVTT or ASS, at most 2 MB."


@dataclass(frozen=True)
class PickCoverInputs:
    video: Video
    # One of the video's covers, or a picture of the creator's own.
    cover_id: int | None = None
    picture: IO[bytes] | None = None


class PickCoverInternals(Internals):
    cover: Cover


Picking = State[PickCoverInputs, PickCoverInternals, NoOutputs]


class PickCover(Service[PickCoverInputs, PickCoverInternals, NoOutputs]):
    """A creator decides what stands for a film."""

    failures = (NotAPicture, NoSuchVideo)

    def steps(self) -> Steps[PickCoverInputs, PickCoverInternals, NoOutputs]:
        return (self.find_or_draw, self.use)

    def find_or_draw(self, picking: Picking) -> None:
        inputs = picking.inputs
        if inputs.picture is not None:
            picking.internals.cover = keep_cover(inputs.video, as_jpeg(inputs.picture), at_ms=None)
            return
        found = inputs.video.covers.filter(pk=inputs.cover_id or 0).first()
        if found is None:
            raise NoSuchVideo
        picking.internals.cover = found

    def use(self, picking: Picking) -> None:
        Video.objects.filter(pk=picking.inputs.video.pk).update(cover=picking.internals.cover)


def as_jpeg(upload: IO[bytes]) -> bytes:
    """A cover of 16 to 9 without metadata. The claimed size is checked before a pixel is decoded. Raises NotAPicture."""
    try:
        image = Image.open(upload, formats=("PNG", "JPEG", "WEBP"))
        if image.width * image.height > COVER_PIXELS_MAX or image.width < COVER_SIZE[0] // 2:
            raise NotAPicture
        upright = ImageOps.exif_transpose(image).convert("RGB")
        fitted = ImageOps.fit(upright, COVER_SIZE)
        clean = Image.new("RGB", fitted.size)
        clean.paste(fitted)
        encoded = io.BytesIO()
        clean.save(encoded, "JPEG", quality=88)
    except (UnidentifiedImageError, Image.DecompressionBombError, OSError, SyntaxError, ValueError, EOFError) as error:
        raise NotAPicture from error
    return encoded.getvalue()


@dataclass(frozen=True)
class AddSubtitlesInputs:
    video: Video
    content: bytes
    language: str
    label: str = ""


class AddSubtitlesInternals(Internals):
    cues: list[webvtt.Cue]
    file: str


class AddSubtitlesOutputs(Outputs):
    subtitle: Subtitle
    # Whether others that the creator sent before, in the same language, made way.
    has_replaced: bool


Adding = State[AddSubtitlesInputs, AddSubtitlesInternals, AddSubtitlesOutputs]


class AddSubtitles(Service[AddSubtitlesInputs, AddSubtitlesInternals, AddSubtitlesOutputs]):
    """A creator sends subtitles; what is kept is written anew from what could be read."""

    failures = (NotSubtitles, NotSafeHere)

    def steps(self) -> Steps[AddSubtitlesInputs, AddSubtitlesInternals, AddSubtitlesOutputs]:
        return (self.read, self.store, atomic(self.keep))

    def read(self, adding: Adding) -> None:
        inputs = adding.inputs
        if len(inputs.content) > BYTES_MAX or inputs.video.subtitles.count() >= SUBTITLES_MAX:
            raise NotSubtitles
        text = decoded(inputs.content)
        with tempfile.NamedTemporaryFile(suffix=".txt") as file:
            file.write(text.encode())
            file.flush()
            try:
                cues = convert(Path(file.name), "0:s:0", film_s=SUBTITLES_FILM_S)
            except NoWalls as error:
                raise NotSafeHere from error
            except (ffmpeg.Broke, Unusable) as error:
                raise NotSubtitles from error
        if not cues:
            raise NotSubtitles
        adding.internals.cues = cues

    def store(self, adding: Adding) -> None:
        """The file first: a row names none that is not there."""
        name = f"{adding.inputs.video.public_id}/subtitles/{letters(16)}.vtt"
        storages["films"].save(name, ContentFile(webvtt.render(adding.internals.cues).encode()))
        adding.internals.file = name

    def keep(self, adding: Adding) -> None:
        inputs, internals = adding.inputs, adding.internals
        # Sent twice at once, the second finds the first one's.
        Video.objects.select_for_update(no_key=True).get(pk=inputs.video.pk)
        label = label_of(inputs.language, inputs.label, inputs.video.subtitles.count(), "Subtitles")
        sent = inputs.video.subtitles.filter(is_embedded=False, language=inputs.language, label=label)
        # Two of one name could not be told apart.
        earlier = sent.first()
        if earlier is not None:
            replaced = earlier.file
            transaction.on_commit(lambda: storages["films"].delete(replaced))
        subtitle = earlier or Subtitle(video=inputs.video, language=inputs.language, label=label)
        subtitle.file, subtitle.cues = internals.file, len(internals.cues)
        subtitle.save()
        adding.outputs.subtitle, adding.outputs.has_replaced = subtitle, earlier is not None


def decoded(content: bytes) -> str:
    """The text of a file of unknown encoding: Unicode if it can be, else what Windows would take it for."""
    for encoding in ("utf-8-sig", "utf-16") if content[:2] in (b"\xff\xfe", b"\xfe\xff") else ("utf-8-sig",):
        try:
            return content.decode(encoding)
        except UnicodeDecodeError:
            continue
    return content.decode("cp1252", errors="replace")

"""Tables of the videos context.

A **video** is what people see. An **edition** is one complete making of it: renditions, tracks, keys and sprites hang on
the edition, so that a video made anew is switched over in one move, and the old edition goes away as a whole.
"""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q
from django.utils import timezone
from django.utils.text import slugify

from mutoscope.platform.videos.domain.life import VideoState
from mutoscope.platform.videos.domain.places import ALPHABET, edition_folder
from mutoscope.platform.videos.domain.trailers import TrailerChoice
from mutoscope.platform.videos.tokens import new_public_id, new_token

TITLE_LENGTH_MAX = 120
DESCRIPTION_LENGTH_MAX = 5000
REASON_LENGTH_MAX = 500
STATES = [(state.value, state.value) for state in VideoState]


class Video(models.Model):
    """A film of a channel. `state` is changed by life/service.py alone; the database refuses moves that are not in the table."""

    public_id = models.CharField(max_length=12, unique=True, default=new_public_id, editable=False)
    channel = models.ForeignKey("accounts.Channel", on_delete=models.PROTECT, related_name="videos")
    title = models.CharField(max_length=TITLE_LENGTH_MAX)
    description = models.TextField(max_length=DESCRIPTION_LENGTH_MAX, blank=True, default="")
    state = models.CharField(max_length=12, choices=STATES, default=VideoState.DRAFT)
    # Why it is in this state, in words for its creator; of FAILED always.
    state_reason = models.CharField(max_length=REASON_LENGTH_MAX, blank=True, default="")
    state_by = models.ForeignKey("accounts.Person", on_delete=models.SET_NULL, null=True, related_name="+")
    state_at = models.DateTimeField(default=timezone.now)
    created_at = models.DateTimeField(default=timezone.now)
    # The first time that others could see it.
    published_at = models.DateTimeField(null=True, blank=True)

    # The original, in the storage "originals", which no address leads to.
    original = models.CharField(max_length=200, blank=True, default="")
    original_bytes = models.BigIntegerField(default=0)
    # domain.source.SourceFacts as JSON; null until it was probed.
    source = models.JSONField(null=True, blank=True)
    duration_ms = models.BigIntegerField(null=True, blank=True)
    width = models.IntegerField(null=True, blank=True)
    height = models.IntegerField(null=True, blank=True)
    # Everybody may watch it while it is public. Otherwise whoever sells it decides (watch/ports.py).
    is_free = models.BooleanField(default=False)

    # What those see of it who may not watch it; the moments where its creator chose them.
    trailer_choice = models.CharField(
        max_length=9,
        choices=[(choice.value, choice.value) for choice in TrailerChoice],
        default=TrailerChoice.AUTOMATIC,
    )
    trailer_from_ms = models.BigIntegerField(null=True, blank=True)
    trailer_to_ms = models.BigIntegerField(null=True, blank=True)

    # What viewers get; set in the same transaction that makes the video ready.
    # Nothing is done to it when that edition goes: it goes with the video alone, and a video that can be played has one at
    # every moment (videos_video_playable_has_edition).
    edition = models.OneToOneField("Edition", on_delete=models.DO_NOTHING, null=True, blank=True, related_name="+")
    # What is being made: its creator may look at it meanwhile.
    next_edition = models.OneToOneField("Edition", on_delete=models.SET_NULL, null=True, blank=True, related_name="+")
    cover = models.ForeignKey("Cover", on_delete=models.SET_NULL, null=True, blank=True, related_name="+")
    # The pipeline run that makes, or last made, an edition.
    run_id = models.BigIntegerField(null=True, blank=True)

    class Meta:
        ordering = ["-created_at", "-id"]
        indexes = [
            models.Index(fields=["channel", "-created_at", "-id"], name="videos_video_of_channel"),
            models.Index(
                fields=["-published_at", "-id"], name="videos_video_newest", condition=Q(state=VideoState.PUBLISHED)
            ),
        ]
        constraints = [
            models.CheckConstraint(
                condition=Q(state__in=[state.value for state in VideoState]), name="videos_video_state"
            ),
            models.CheckConstraint(condition=~Q(title=""), name="videos_video_title_form"),
            models.CheckConstraint(
                condition=Q(public_id__regex=f"^[{ALPHABET}]{{12}}$"), name="videos_video_public_id_form"
            ),
            models.CheckConstraint(
                condition=~Q(state=VideoState.FAILED) | ~Q(state_reason=""), name="videos_video_failed_says_why"
            ),
            models.CheckConstraint(
                condition=~Q(state__in=["ready", "published", "unlisted", "archived"]) | Q(edition__isnull=False),
                name="videos_video_playable_has_edition",
            ),
            models.CheckConstraint(
                condition=~Q(trailer_choice=TrailerChoice.OWN)
                # Not null, said aloud: a comparison with NULL is NULL, and a CHECK lets that pass.
                | Q(trailer_from_ms__isnull=False, trailer_to_ms__isnull=False)
                & Q(trailer_from_ms__gte=0, trailer_to_ms__gt=F("trailer_from_ms")),
                name="videos_video_own_trailer_has_moments",
            ),
            models.CheckConstraint(
                condition=~Q(state__in=["published", "unlisted"]) | Q(published_at__isnull=False),
                name="videos_video_public_has_moment",
            ),
        ]

    def __str__(self) -> str:
        return self.title

    def slug(self) -> str:
        """The title as a part of an address; empty where it has no Latin letters. Never looked up: the public id is."""
        return slugify(self.title)[:60].strip("-")


class Move(models.Model):
    """One change of a video's state. Written by the database itself, never changed."""

    video = models.ForeignKey(Video, on_delete=models.CASCADE, related_name="moves")
    from_state = models.CharField(max_length=12, blank=True, default="")
    to_state = models.CharField(max_length=12)
    reason = models.CharField(max_length=REASON_LENGTH_MAX, blank=True, default="")
    by = models.ForeignKey("accounts.Person", on_delete=models.SET_NULL, null=True, related_name="+")
    at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["id"]
        indexes = [models.Index(fields=["video", "id"], name="videos_move_of_video")]

    def __str__(self) -> str:
        return f"{self.from_state or 'nothing'} to {self.to_state}"


class Upload(models.Model):
    """A file on its way in, by the tus protocol. `token` is its address, known to its owner alone."""

    class State(models.TextChoices):
        OPEN = "open"
        # Whole, and still lying where it was uploaded to.
        COMPLETE = "complete"
        # Whole, and moved to where originals are kept.
        FETCHED = "fetched"
        ENDED = "ended"

    token = models.CharField(max_length=24, unique=True, default=new_token, editable=False)
    video = models.ForeignKey(Video, on_delete=models.CASCADE, related_name="uploads")
    owner = models.ForeignKey("accounts.Person", on_delete=models.PROTECT, related_name="+")
    state = models.CharField(max_length=8, choices=State, default=State.OPEN)
    length_bytes = models.BigIntegerField()
    # Bytes that are on the disk for certain.
    offset_bytes = models.BigIntegerField(default=0)
    # The number of the request that may write now; each one that begins takes the next.
    writer = models.IntegerField(default=0)
    # What the browser called it. Shown to its owner, never used as a path.
    file_name = models.CharField(max_length=255, blank=True, default="")
    created_at = models.DateTimeField(default=timezone.now)
    expires_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-id"]
        indexes = [models.Index(fields=["expires_at"], name="videos_upload_expiring", condition=Q(state="open"))]
        constraints = [
            models.CheckConstraint(condition=Q(length_bytes__gt=0), name="videos_upload_length_positive"),
            models.CheckConstraint(
                condition=Q(offset_bytes__gte=0) & Q(offset_bytes__lte=F("length_bytes")), name="videos_upload_offset"
            ),
            models.CheckConstraint(
                condition=~Q(state__in=["complete", "fetched"]) | Q(offset_bytes=F("length_bytes")),
                name="videos_upload_complete_is_whole",
            ),
            # A video takes one file at a time.
            models.UniqueConstraint(fields=["video"], condition=Q(state="open"), name="videos_upload_one_open"),
        ]

    def __str__(self) -> str:
        return self.file_name or self.token


class Edition(models.Model):
    """One complete making of a video. Its files lie in `folder()` of the storage "films"."""

    video = models.ForeignKey(Video, on_delete=models.CASCADE, related_name="editions")
    token = models.CharField(max_length=24, unique=True, default=new_token, editable=False)
    created_at = models.DateTimeField(default=timezone.now)
    # When the last file was there; null while it is being made.
    whole_at = models.DateTimeField(null=True, blank=True)
    # When another took its place; its files go some time after.
    dropped_at = models.DateTimeField(null=True, blank=True)
    segment_ms = models.IntegerField()
    # The time in one period under one key.
    key_period_ms = models.IntegerField()
    duration_ms = models.BigIntegerField()
    # A few seconds without sound and without a key, for whoever has not paid; empty where there is none.
    trailer_file = models.CharField(max_length=120, blank=True, default="")
    bytes = models.BigIntegerField(default=0)
    manifest_sha256 = models.CharField(max_length=64, blank=True, default="")

    class Meta:
        ordering = ["-id"]

    def __str__(self) -> str:
        return self.folder()

    def folder(self) -> str:
        """Where its files lie, without a slash at the end. Costs a query unless `video` was loaded."""
        return edition_folder(self.video.public_id, self.token)


class Rendition(models.Model):
    """One encoded quality of an edition's picture."""

    edition = models.ForeignKey(Edition, on_delete=models.CASCADE, related_name="renditions")
    # "240p"; also the folder of its segments.
    name = models.CharField(max_length=24)
    # Of RFC 6381, such as "avc1.64001f".
    codecs = models.CharField(max_length=40)
    width = models.IntegerField()
    height = models.IntegerField()
    # Frames are frame_den seconds long, divided by frame_num.
    frame_num = models.IntegerField()
    frame_den = models.IntegerField()
    timescale = models.IntegerField()
    bandwidth_max = models.IntegerField(default=0)
    bandwidth_mean = models.IntegerField(default=0)
    is_copy = models.BooleanField(default=False)
    is_fast = models.BooleanField(default=False)
    init_file = models.CharField(max_length=60, blank=True, default="")
    bytes = models.BigIntegerField(default=0)

    class Meta:
        ordering = ["edition_id", "height", "id"]
        constraints = [models.UniqueConstraint(fields=["edition", "name"], name="videos_rendition_once")]

    def __str__(self) -> str:
        return self.name


class AudioTrack(models.Model):
    """One sound track of an edition."""

    edition = models.ForeignKey(Edition, on_delete=models.CASCADE, related_name="audio_tracks")
    # "audio-0"; also the folder of its segments.
    name = models.CharField(max_length=24)
    codecs = models.CharField(max_length=40)
    # Of BCP 47; "und" where the file does not say.
    language = models.CharField(max_length=35, default="und")
    label = models.CharField(max_length=80)
    is_default = models.BooleanField(default=False)
    channels = models.IntegerField(default=2)
    timescale = models.IntegerField()
    bandwidth_max = models.IntegerField(default=0)
    bandwidth_mean = models.IntegerField(default=0)
    # Integrated loudness of EBU R 128 in hundredths of LUFS; null where there is too little to measure.
    loudness_clufs = models.IntegerField(null=True, blank=True)
    init_file = models.CharField(max_length=60, blank=True, default="")
    bytes = models.BigIntegerField(default=0)

    class Meta:
        ordering = ["edition_id", "id"]
        constraints = [models.UniqueConstraint(fields=["edition", "name"], name="videos_audio_track_once")]

    def __str__(self) -> str:
        return self.label


class Piece(models.Model):
    """A run of consecutive segments of one rendition or audio track, as one worker made them."""

    edition = models.ForeignKey(Edition, on_delete=models.CASCADE, related_name="pieces")
    # The name of a rendition or an audio track, or "iframes".
    stream = models.CharField(max_length=24)
    first_number = models.IntegerField()
    # The attempt that made it: what a worker that was given up still writes has another one.
    maker = models.CharField(max_length=24, default="")
    # A list of [file, duration in ticks of the stream's timescale, bytes, iv in hex, sha256 in hex, key number].
    segments = models.JSONField()

    class Meta:
        ordering = ["edition_id", "stream", "first_number"]
        constraints = [
            models.UniqueConstraint(fields=["edition", "stream", "first_number", "maker"], name="videos_piece_once"),
        ]

    def __str__(self) -> str:
        return f"{self.stream} from {self.first_number}"


class KeyPeriod(models.Model):
    """The key of one stretch of an edition's time, sealed (keys.py opens it). All its streams share it."""

    public_id = models.CharField(max_length=24, unique=True, default=new_token, editable=False)
    edition = models.ForeignKey(Edition, on_delete=models.CASCADE, related_name="key_periods")
    number = models.IntegerField()
    sealed_key = models.BinaryField()

    class Meta:
        ordering = ["edition_id", "number"]
        constraints = [models.UniqueConstraint(fields=["edition", "number"], name="videos_key_period_once")]

    def __str__(self) -> str:
        return f"key {self.number}"


class Subtitle(models.Model):
    """Subtitles of a video, as clean WebVTT in the storage "films". They outlive an edition when they were uploaded."""

    video = models.ForeignKey(Video, on_delete=models.CASCADE, related_name="subtitles")
    language = models.CharField(max_length=35, default="und")
    label = models.CharField(max_length=80)
    file = models.CharField(max_length=120)
    is_embedded = models.BooleanField(default=False)
    is_default = models.BooleanField(default=False)
    cues = models.IntegerField(default=0)
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["video_id", "id"]

    def __str__(self) -> str:
        return self.label


class Cover(models.Model):
    """A picture to stand for a video: taken from it, or uploaded. `Video.cover` is the one in use."""

    video = models.ForeignKey(Video, on_delete=models.CASCADE, related_name="covers")
    file = models.CharField(max_length=120)
    width = models.IntegerField()
    height = models.IntegerField()
    # Where in the video it was taken; null for an uploaded one.
    at_ms = models.BigIntegerField(null=True, blank=True)

    class Meta:
        ordering = ["video_id", "at_ms", "id"]

    def __str__(self) -> str:
        return self.file


class Sprite(models.Model):
    """A sheet of small pictures for previews over the time line, left to right, top to bottom."""

    edition = models.ForeignKey(Edition, on_delete=models.CASCADE, related_name="sprites")
    number = models.IntegerField()
    file = models.CharField(max_length=120)
    columns = models.IntegerField()
    rows = models.IntegerField()
    tile_width = models.IntegerField()
    tile_height = models.IntegerField()
    first_ms = models.BigIntegerField()
    interval_ms = models.IntegerField()
    tiles = models.IntegerField()

    class Meta:
        ordering = ["edition_id", "number"]
        constraints = [models.UniqueConstraint(fields=["edition", "number"], name="videos_sprite_once")]

    def __str__(self) -> str:
        return self.file


from mutoscope.platform.videos.watch.models import Beat, Playback, Seen, WatchingChoice  # noqa: E402, F401 - so that Django finds them

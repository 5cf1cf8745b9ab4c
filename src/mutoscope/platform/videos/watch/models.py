"""Tables of watching: playbacks under way, where people were, what they want kept, and the beats of players."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils import timezone

from mutoscope.platform.videos.tokens import new_token


class KeyBucket(models.Model):
    """The keys of one film that one person may still ask for: a bucket that fills slowly, the same for all their players.

    Somebody who is not signed in, who gets keys of free films alone, has one for each player.
    """

    person = models.ForeignKey("accounts.Person", on_delete=models.CASCADE, null=True, related_name="+")
    video = models.ForeignKey("videos.Video", on_delete=models.CASCADE, related_name="+")
    # How many were left at the moment when the last one was given.
    keys_left = models.FloatField()
    keys_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["person", "video"], name="videos_keybucket_once")]

    def __str__(self) -> str:
        return f"{self.keys_left} keys"


class Playback(models.Model):
    """One player that plays one film: for a few minutes, renewed by its beats. `token` is what it asks for keys with."""

    token = models.CharField(max_length=24, unique=True, default=new_token, editable=False)
    video = models.ForeignKey("videos.Video", on_delete=models.CASCADE, related_name="+")
    person = models.ForeignKey("accounts.Person", on_delete=models.CASCADE, null=True, related_name="+")
    # Whose streams are counted together: a person, or an address of which only a keyed digest is kept.
    viewer = models.CharField(max_length=40)
    # SHA-256 of the sign-in's session key: no other sign-in gets keys for it. Empty for somebody who is not signed in.
    sign_in_digest = models.CharField(max_length=64, blank=True, default="")
    began_at = models.DateTimeField(default=timezone.now)
    expires_at = models.DateTimeField()
    # When it last said that it plays; a stream counts against the limit for a short while after.
    beat_at = models.DateTimeField(default=timezone.now)
    ended_at = models.DateTimeField(null=True, blank=True)
    beats = models.IntegerField(default=0)
    # What its keys are taken from. Null of one that an earlier release began: its player begins another.
    bucket = models.ForeignKey(KeyBucket, on_delete=models.CASCADE, null=True, related_name="+")
    # When it last got a key: it plays, even if it never says so.
    keys_at = models.DateTimeField(null=True, blank=True)
    keys_given = models.IntegerField(default=0)

    class Meta:
        ordering = ["-id"]
        # None on what a beat changes: so a beat rewrites no index.
        indexes = [models.Index(fields=["viewer", "began_at"], name="videos_playback_of_viewer")]

    def __str__(self) -> str:
        return f"playback {self.pk}"


class Seen(models.Model):
    """Where somebody was in a film. One row for a person and a film, written by beats (progress/queries.sql)."""

    person = models.ForeignKey("accounts.Person", on_delete=models.CASCADE, related_name="+")
    video = models.ForeignKey("videos.Video", on_delete=models.CASCADE, related_name="+")
    position_ms = models.BigIntegerField()
    is_finished = models.BooleanField(default=False)
    began_at = models.DateTimeField(default=timezone.now)
    seen_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["-seen_at", "-id"]
        constraints = [
            models.UniqueConstraint(fields=["person", "video"], name="videos_seen_once"),
            models.CheckConstraint(condition=Q(position_ms__gte=0), name="videos_seen_position"),
        ]

    def __str__(self) -> str:
        return f"{self.position_ms} ms"


class WatchingChoice(models.Model):
    """What a person wants kept. Without a row, their history is kept."""

    person = models.OneToOneField("accounts.Person", on_delete=models.CASCADE, primary_key=True, related_name="+")
    keeps_history = models.BooleanField(default=True)

    def __str__(self) -> str:
        return "history kept" if self.keeps_history else "no history"


class Beat(models.Model):
    """A stretch of a film that one playback has shown: what retention curves are drawn from.

    A table in months, made by the migration and by progress/months.py. It names no person.
    """

    pk = models.CompositePrimaryKey("playback_id", "at", "from_ms")
    at = models.DateTimeField()
    video_id = models.BigIntegerField()
    playback_id = models.BigIntegerField()
    from_ms = models.BigIntegerField()
    to_ms = models.BigIntegerField()

    class Meta:
        managed = False
        db_table = "videos_beat"

    def __str__(self) -> str:
        return f"{self.from_ms} to {self.to_ms}"

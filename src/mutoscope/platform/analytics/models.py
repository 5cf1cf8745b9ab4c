"""Tables of analytics: counts by film and day. None of them names a person, a browser or an address."""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q

HUNDREDTHS = 100


class Visits(models.Model):
    """Visits of a film's page that were counted and not yet added to its day. One row for each film, day and slot.

    A visit takes one of a few slots by chance, so that the many visits of a popular film do not wait for each other.
    """

    pk = models.CompositePrimaryKey("video_id", "day", "slot")
    video = models.ForeignKey("videos.Video", on_delete=models.CASCADE, related_name="+", db_index=False)
    # In UTC, as every day here.
    day = models.DateField()
    slot = models.SmallIntegerField()
    pages = models.IntegerField(default=0)
    prices = models.IntegerField(default=0)
    trailers = models.IntegerField(default=0)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(pages__gte=0, prices__gte=0, trailers__gte=0), name="analytics_visits_counts"
            )
        ]

    def __str__(self) -> str:
        return f"{self.pages} visits"


class FilmDay(models.Model):
    """One film on one day: how often its page, its price and its trailer were looked at, and what was watched."""

    pk = models.CompositePrimaryKey("video_id", "day")
    video = models.ForeignKey("videos.Video", on_delete=models.CASCADE, related_name="+", db_index=False)
    day = models.DateField()
    # Each browser counts once a day.
    pages = models.IntegerField(default=0)
    # The same, of those who could not watch: what is left when buyers and free films are taken off.
    prices = models.IntegerField(default=0)
    trailers = models.IntegerField(default=0)
    # Playbacks that began on this day, those that showed the middle, those that came to the credits.
    plays = models.IntegerField(default=0)
    half = models.IntegerField(default=0)
    finished = models.IntegerField(default=0)
    shown_ms = models.BigIntegerField(default=0)
    # For each hundredth of the film, how many playbacks showed its middle. Empty where nothing was watched.
    shown = ArrayField(models.IntegerField(), default=list)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(pages__gte=0, prices__gte=0, trailers__gte=0, shown_ms__gte=0)
                & Q(half__lte=models.F("plays"), finished__lte=models.F("plays")),
                name="analytics_film_day_counts",
            ),
            models.CheckConstraint(
                condition=Q(shown=[]) | Q(shown__len=HUNDREDTHS), name="analytics_film_day_hundredths"
            ),
        ]

    def __str__(self) -> str:
        return f"film {self.video_id} on {self.day}"


class RollUp(models.Model):
    """Until when beats were added up. One row."""

    done_until = models.DateTimeField()

    class Meta:
        constraints = [models.CheckConstraint(condition=Q(id=1), name="analytics_roll_up_one_row")]

    def __str__(self) -> str:
        return f"until {self.done_until}"

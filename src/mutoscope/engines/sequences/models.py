"""Two small tables: one row for each leased sequence, one for each series of a gapless one."""

from __future__ import annotations

from django.db import models


class LeasedState(models.Model):
    """Where a leased sequence stands. Written by sql in leased.py, on connections of its own."""

    name = models.CharField(max_length=100, primary_key=True)
    next_value = models.BigIntegerField()
    increment = models.BigIntegerField()
    maximum = models.BigIntegerField()
    identity = models.TextField()

    class Meta:
        db_table = "sequences_leased"
        constraints = [
            models.CheckConstraint(condition=models.Q(increment__gt=0), name="sequences_leased_increment_positive"),
        ]

    def __str__(self) -> str:
        return f"{self.name} at {self.next_value}"


class GaplessState(models.Model):
    """The last number of one series."""

    pk = models.CompositePrimaryKey("name", "series")
    name = models.CharField(max_length=100)
    series = models.CharField(max_length=100)
    last_value = models.BigIntegerField()

    class Meta:
        db_table = "sequences_gapless"

    def __str__(self) -> str:
        return f"{self.name} {self.series} at {self.last_value}"

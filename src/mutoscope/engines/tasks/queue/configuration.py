"""What `TASKS[alias]["OPTIONS"]` may say. Durations are seconds."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured


@dataclass(frozen=True, slots=True, kw_only=True)
class Configuration:
    """`database` is where tasks are enqueued, `direct` the alias of the same database without a pooler in between."""

    database: str = "default"
    direct: str = ""
    beat_s: float = 3.0
    stale_s: float = 10.0
    poll_s: float = 1.0
    grace_s: float = 30.0
    batch_max: int = 500
    lost_max: int = 5
    retention_days: int = 30

    def __post_init__(self) -> None:
        if not self.direct:
            alias = "direct" if "direct" in settings.DATABASES else self.database
            object.__setattr__(self, "direct", alias)
        if not 0 < self.beat_s * 2 <= self.stale_s:
            raise ImproperlyConfigured(
                f"tasks: STALE_S ({self.stale_s:g}) has to be at least twice BEAT_S ({self.beat_s:g}), or a worker that "
                "misses one beat is taken for dead."
            )
        if self.batch_max < 1 or self.lost_max < 1 or self.retention_days < 1 or self.poll_s <= 0:
            raise ImproperlyConfigured("tasks: BATCH_MAX, LOST_MAX and RETENTION_DAYS are at least 1, POLL_S above 0.")


def read_configuration(options: dict[str, Any]) -> Configuration:
    """OPTIONS, with their names in capitals, as a Configuration. Raises ImproperlyConfigured naming what is wrong."""
    known = {field.name.upper(): field.name for field in fields(Configuration)}
    unknown = sorted(set(options) - set(known))
    if unknown:
        raise ImproperlyConfigured(f"tasks: OPTIONS has {', '.join(unknown)}; known are {', '.join(sorted(known))}.")
    return Configuration(**{known[name]: value for name, value in options.items()})

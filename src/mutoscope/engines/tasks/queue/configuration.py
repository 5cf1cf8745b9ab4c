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
        for name, (kind, least, most) in BOUNDS.items():
            value = getattr(self, name)
            if not isinstance(value, kind) or isinstance(value, bool) or not least <= value <= most:
                what = "a whole number" if kind is int else "a number of seconds"
                raise ImproperlyConfigured(
                    f"tasks: {name.upper()} is {value!r}, and has to be {what} from {least:g} to {most:g}."
                )
        for name in ("database", "direct"):
            if not isinstance(getattr(self, name), str):
                raise ImproperlyConfigured(f"tasks: {name.upper()} is {getattr(self, name)!r}, and has to be an alias.")
        if not self.direct:
            alias = "direct" if "direct" in settings.DATABASES else self.database
            object.__setattr__(self, "direct", alias)
        if self.beat_s * 2 > self.stale_s:
            raise ImproperlyConfigured(
                f"tasks: STALE_S ({self.stale_s:g}) has to be at least twice BEAT_S ({self.beat_s:g}), or a worker that "
                "misses one beat is taken for dead."
            )


DAY_S = 86_400
# What each number may be: its kind, the least and the most. Infinity and what is no number lie between no bounds.
BOUNDS: dict[str, tuple[Any, float, float]] = {
    "beat_s": (int | float, 0.001, DAY_S),
    "stale_s": (int | float, 0.002, DAY_S),
    "poll_s": (int | float, 0.001, DAY_S),
    "grace_s": (int | float, 0, DAY_S),
    "batch_max": (int, 1, 10_000),
    "lost_max": (int, 1, 30_000),
    "retention_days": (int, 1, 36_500),
}


def read_configuration(options: dict[str, Any]) -> Configuration:
    """OPTIONS, with their names in capitals, as a Configuration. Raises ImproperlyConfigured naming what is wrong."""
    known = {field.name.upper(): field.name for field in fields(Configuration)}
    unknown = sorted(set(options) - set(known))
    if unknown:
        raise ImproperlyConfigured(f"tasks: OPTIONS has {', '.join(unknown)}; known are {', '.join(sorted(known))}.")
    return Configuration(**{known[name]: value for name, value in options.items()})

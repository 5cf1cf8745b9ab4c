"""Adding up what was visited and watched."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from datetime import date, datetime, timedelta

from mutoscope.engines.services import Internals, Outputs, Service, State, Steps, atomic
from mutoscope.platform.analytics.statements import fetch
from mutoscope.platform.videos.public import PLAYBACK_AGE_MAX, shown_since

LOCK_CLASS = 70_801
# Playbacks end by then, and an hour more for a beat that took its time.
OPEN_FOR = PLAYBACK_AGE_MAX + timedelta(hours=1)


@dataclass(frozen=True)
class RollUpInputs:
    since: date | None = None
    """Count what was watched anew from this day (UTC) on, as far back as beats are kept; None from where figures may have changed."""


class RollUpInternals(Internals):
    since: date
    until: datetime


class RollUpOutputs(Outputs):
    film_days: int
    """How many days of films were counted anew from their beats."""


Rolling = State[RollUpInputs, RollUpInternals, RollUpOutputs]


class AddUpAudience(Service[RollUpInputs, RollUpInternals, RollUpOutputs]):
    """Add visits and beats to each film's days. Run twice, killed or late, it ends with the same figures."""

    def steps(self) -> Steps[RollUpInputs, RollUpInternals, RollUpOutputs]:
        return (
            atomic(
                self.take_turns,
                self.add_visits,
                self.find_what_may_have_changed,
                self.count_what_was_watched,
                self.remember_until_when,
            ),
        )

    def take_turns(self, rolling: Rolling) -> None:
        fetch("rollup", "take_turns", {"lock_class": LOCK_CLASS})

    def add_visits(self, rolling: Rolling) -> None:
        fetch("rollup", "add_visits", {})

    def find_what_may_have_changed(self, rolling: Rolling) -> None:
        """Whole days: each is counted anew and replaced, so a beat that came late is in it."""
        rows = fetch("rollup", "since", {"open_s": int(OPEN_FOR.total_seconds())})
        found, rolling.internals.until = rows[0]
        rolling.internals.since = rolling.inputs.since or found

    def count_what_was_watched(self, rolling: Rolling) -> None:
        days = [{**asdict(each), "day": each.day.isoformat()} for each in shown_since(rolling.internals.since)]
        fetch("rollup", "put", {"days": json.dumps(days)})
        rolling.outputs.film_days = len(days)

    def remember_until_when(self, rolling: Rolling) -> None:
        fetch("rollup", "done", {"until": rolling.internals.until})

"""Whether somebody may watch a film, as far as paying goes."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from mutoscope.platform.billing.clock import SERVER_CLOCK, Clock
from mutoscope.platform.billing.statements import fetch

# Nobody's film stops in the middle. A playback that is still going on after this was left open, not watched.
GRACE = timedelta(hours=12)


@dataclass(frozen=True, slots=True)
class Right:
    """What is known at `now`. `expires_at` means something only where there is an entitlement; None is for ever."""

    now: datetime
    has_entitlement: bool
    expires_at: datetime | None
    is_sold: bool

    def is_live(self, playing_since: datetime | None = None) -> bool:
        """Whether the entitlement lets watch: now, or to the end of a playback that began before it expired."""
        if not self.has_entitlement:
            return False
        if self.expires_at is None or self.now < self.expires_at:
            return True
        return playing_since is not None and playing_since < self.expires_at and self.now < self.expires_at + GRACE


def right_of(viewer_id: int | None, video_id: int, clock: Clock = SERVER_CLOCK) -> Right:
    """What this person, or somebody who is not signed in, may do with this film. One query."""
    asked = {"ahead": clock.ahead(), "viewer_id": viewer_id, "video_id": video_id}
    return Right(*fetch("unlock", "right", asked)[0])

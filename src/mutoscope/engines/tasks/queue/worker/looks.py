"""When a worker looks for work, and how thoroughly."""

from __future__ import annotations

import time

# A worker that has run dry looks again after these pauses before it only waits to be called: an enqueuing transaction that
# looked for sleepers before this one lay down wakes nobody.
DOZE_S = (0.004, 0.016, 0.064, 0.25)
# The whole scan is made at least this often, to find new priorities and tasks that came in behind a mark...
SCAN_EVERY_S = 1.0
# ... but where old transactions make it slow, it may cost at most one part in so many of the time.
SCAN_COST_SHARE = 20
SCAN_CHEAP_S = 0.005
CLAIM_ONE_S = 0.0001
# After a limited task was seen, limits are looked at with every claim for so long.
LIMITS_WARM_S = 30.0
LIMITS_COLD_EVERY_S = 1.0


class Looks:
    """Remembers what was found, and says when it is time to look again. Being called is the pump's business."""

    def __init__(self, poll_s: float) -> None:
        self._poll_s = poll_s
        self._dry, self._look_at = 0, 0.0
        self._scanned_at = 0.0
        self._scan_s = 0.0

    def now(self) -> None:
        """Look at the next chance."""
        self._dry, self._look_at = 0, 0.0

    def once_more(self) -> None:
        """Look at the next chance, and then not so soon again."""
        self._look_at = 0.0

    def are_early(self) -> bool:
        return time.monotonic() < self._look_at

    def pause_s(self) -> float:
        """Seconds until it is time."""
        return self._look_at - time.monotonic()

    def came_back_empty(self) -> bool:
        """Whether the last one did."""
        return self._dry > 0

    def saw(self, found: int) -> None:
        if found:
            self.now()
            return
        now = time.monotonic()
        if now >= self._look_at:
            pause_s = DOZE_S[self._dry] if self._dry < len(DOZE_S) else self._poll_s
            self._dry += 1
            self._look_at = now + pause_s

    # The whole scan

    def scan_next(self) -> None:
        self._scanned_at = 0.0

    def scan_is_due(self) -> bool:
        every_s = max(SCAN_EVERY_S, self._scan_s * SCAN_COST_SHARE)
        return time.monotonic() - self._scanned_at >= every_s

    def scan_is_cheap(self) -> bool:
        return self._scan_s < SCAN_CHEAP_S

    def scanned(self, began: float, found: int) -> None:
        """A scan that began then found so many. Taking tasks takes time too: only the walk to the first is its own cost."""
        self._scanned_at = time.monotonic()
        self._scan_s = max(0.0, self._scanned_at - began - found * CLAIM_ONE_S)


class LimitLooks:
    """When a worker looks for tasks that share a limit, which takes a look of its own. Nobody is called when a place gets free,
    so whoever freed it looks."""

    def __init__(self) -> None:
        # Whether there is reason to: a task ended here under whose limit another may run now, or this worker was called and
        # found nothing else, or is about to lie down.
        self.wanted = False
        self._looked_at = 0.0
        self._found_at = float("-inf")

    def are_due(self) -> bool:
        now = time.monotonic()
        return self.wanted or now - self._found_at < LIMITS_WARM_S or now - self._looked_at > LIMITS_COLD_EVERY_S

    def begin(self) -> None:
        self._looked_at = time.monotonic()
        self.wanted = False

    def saw(self, found: int) -> None:
        if found:
            self._found_at = self._looked_at

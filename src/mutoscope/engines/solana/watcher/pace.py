"""How long to wait before looking at an account again: payers pay soon, so the pause grows with the payment's age."""

from __future__ import annotations

MINUTE_S = 60.0
HOUR_S = 3600.0
DAY_S = 24 * HOUR_S


def pause_s(age_s: float, ended_since_s: float | None, tick_s: float, watch_ended_for_s: float) -> float | None:
    """Seconds until the next look; None for never again, which leaves the account to the audit.

    `ended_since_s` is how long ago the payment was settled or expired; None while it is open.
    """
    if ended_since_s is not None:
        if ended_since_s > watch_ended_for_s:
            return None
        return max(tick_s, MINUTE_S if ended_since_s < HOUR_S else 10 * MINUTE_S)
    if age_s < 10 * MINUTE_S:
        return tick_s
    if age_s < HOUR_S:
        return max(tick_s, 10.0)
    return max(tick_s, MINUTE_S if age_s < DAY_S else 10 * MINUTE_S)

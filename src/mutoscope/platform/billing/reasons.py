"""Why something was decided: what is decided about money is decided with a reason."""

from __future__ import annotations

from mutoscope.platform.billing.domain.lengths import REASON_LENGTH_MAX
from mutoscope.platform.billing.failures import Unacceptable


def given_reason(typed: str) -> str:
    """The reason of a decision. Raises Unacceptable where there is none."""
    reason = typed.strip()
    if not 0 < len(reason) <= REASON_LENGTH_MAX:
        raise Unacceptable(where="reason", why=f"Say why: a reason of 1 to {REASON_LENGTH_MAX} characters.")
    return reason

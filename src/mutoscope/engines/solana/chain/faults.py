"""What goes wrong with a node, on demand. Nothing does until somebody asks for it."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from enum import StrEnum
from typing import Any


class Fault(StrEnum):
    """TIME_OUT keeps the caller waiting and does nothing. LOSE_ANSWER does what was asked and then keeps the caller
    waiting. RATE_LIMIT answers 429. BROKEN answers 503. STALE shows the chain as it was `slots` ago. WITHHOLD knows no
    transaction. WRONG_AMOUNT, WRONG_MINT and WRONG_OWNER lie about balances. MUTE delivers no notification."""

    TIME_OUT = "time_out"
    LOSE_ANSWER = "lose_answer"
    RATE_LIMIT = "rate_limit"
    BROKEN = "broken"
    STALE = "stale"
    WITHHOLD = "withhold"
    WRONG_AMOUNT = "wrong_amount"
    WRONG_MINT = "wrong_mint"
    WRONG_OWNER = "wrong_owner"
    MUTE = "mute"


@dataclass
class Armed:
    """One fault in force. `methods` empty means all of them; `times` None means until cleared."""

    fault: Fault
    methods: frozenset[str]
    times: int | None
    seconds: float
    slots: int
    by: int

    def shown(self) -> dict[str, Any]:
        return {
            "fault": str(self.fault),
            "methods": sorted(self.methods),
            "times": self.times,
            "seconds": self.seconds,
            "slots": self.slots,
            "by": self.by,
        }


class Faults:
    """The faults of one node. Safe across threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._armed: list[Armed] = []

    def add(
        self,
        fault: Fault | str,
        *methods: str,
        times: int | None = None,
        seconds: float = 60.0,
        slots: int = 150,
        by: int = 1_000_000,
    ) -> None:
        """Arm a fault for calls of these methods, or of any. `seconds` is how long a caller waits, or is told to
        (RATE_LIMIT); `slots` how far STALE lags; `by` what WRONG_AMOUNT adds, in base units."""
        armed = Armed(Fault(fault), frozenset(methods), times, seconds, slots, by)
        with self._lock:
            self._armed.append(armed)

    def clear(self) -> None:
        with self._lock:
            self._armed.clear()

    def armed(self) -> list[dict[str, Any]]:
        with self._lock:
            return [armed.shown() for armed in self._armed]

    def take(self, fault: Fault, method: str) -> Armed | None:
        """The fault if it strikes this call; one strike fewer is left."""
        with self._lock:
            for armed in self._armed:
                if armed.fault is fault and (not armed.methods or method in armed.methods):
                    if armed.times is not None:
                        armed.times -= 1
                        if armed.times <= 0:
                            self._armed.remove(armed)
                    return armed
        return None

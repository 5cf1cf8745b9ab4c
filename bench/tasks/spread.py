"""What is told of many latencies."""

from __future__ import annotations

# The first starts are not counted: with them code is imported, connections are made and plans are thought out.
WARM_UP = 10


def spread(waits_ms: list[float], commits_ms: list[float]) -> dict[str, float]:
    """The median and the 99th percentile of the waits, and of what was left of each after the enqueue's own commit."""
    waits_ms, commits_ms = waits_ms[WARM_UP:], commits_ms[WARM_UP:]
    rests = [wait - commit for wait, commit in zip(waits_ms, commits_ms, strict=True)]
    return {
        "p50": _part(waits_ms, 0.5),
        "p99": _part(waits_ms, 0.99),
        "rest_p50": _part(rests, 0.5),
        "rest_p99": _part(rests, 0.99),
    }


def _part(values: list[float], part: float) -> float:
    return sorted(values)[int(len(values) * part)]

"""Charts as SVG, drawn while the page is made: nothing to load, nothing to run, and colours that follow the theme.

Decision: docs/decisions/0801-charts-are-drawn-by-the-server.md
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

# The drawing's own units. It is stretched to the room there is; words stand beside it, as HTML, and are not.
WIDTH, HEIGHT = 1000, 200
LINES_MAX = 4
LABELS_MAX = 5
# Of a bar's place, how much it fills.
BAR_SHARE = 0.72


@dataclass(frozen=True, slots=True)
class Spot:
    """A place that says its value to whoever points at it."""

    x: str
    width: str
    words: str


@dataclass(frozen=True, slots=True)
class Chart:
    """What components/chart.html draws. `values` run from top to bottom, `labels` from left to right, both evenly."""

    shape: str
    """SVG path: bars, or the area below a curve."""
    edge: str
    """SVG path: the curve itself; empty for bars."""
    grid: str
    """SVG path: one line for each of `values`."""
    values: list[str]
    labels: list[str]
    spots: list[Spot]
    summary: str
    is_empty: bool


def bars(points: Sequence[tuple[str, int]], unit: str = "") -> Chart:
    """One bar for each (label, value), below the line for values below zero."""
    ticks = _ticks([value for _, value in points])
    place = WIDTH / max(len(points), 1)
    parts = []
    for n, (_, value) in enumerate(points):
        if value:
            zero, end = _height(0, ticks), _height(value, ticks)
            left = (n + (1 - BAR_SHARE) / 2) * place
            parts.append(f"M{left:.2f} {zero:.2f}h{place * BAR_SHARE:.2f}V{end:.2f}H{left:.2f}z")
    return _chart(points, ticks, "".join(parts), "", place, unit)


def curve(points: Sequence[tuple[str, int]], unit: str = "", top: int | None = None) -> Chart:
    """A line through every (label, value), the first at the left edge and the last at the right; `top` is the highest value there can be."""
    values = [value for _, value in points]
    ticks = _ticks(values if top is None else [*values, top])
    place = WIDTH / max(len(points) - 1, 1)
    line = " ".join(f"{n * place:.2f} {_height(value, ticks):.2f}" for n, value in enumerate(values))
    zero = _height(0, ticks)
    shape = f"M0 {zero:.2f}L{line}L{WIDTH} {zero:.2f}z" if line else ""
    return _chart(points, ticks, shape, f"M{line}" if line else "", WIDTH / max(len(points), 1), unit)


def _chart(
    points: Sequence[tuple[str, int]], ticks: list[int], shape: str, edge: str, place: float, unit: str
) -> Chart:
    after = f" {unit}" if unit else ""
    spots = [
        Spot(f"{n * place:.2f}", f"{place:.2f}", f"{label}: {value:,}{after}")
        for n, (label, value) in enumerate(points)
    ]
    values = [value for _, value in points]
    summary = ""
    if values:
        most = max(range(len(values)), key=values.__getitem__)
        summary = f"{points[0][0]} to {points[-1][0]}, at most {values[most]:,}{after} ({points[most][0]})"
    return Chart(
        shape=shape,
        edge=edge,
        grid="".join(f"M0 {_height(tick, ticks):.2f}H{WIDTH}" for tick in ticks),
        values=[f"{tick:,} %" if unit == "%" else f"{tick:,}" for tick in reversed(ticks)],
        labels=_labels([label for label, _ in points]),
        spots=spots,
        summary=summary,
        is_empty=not any(values),
    )


def _ticks(values: Sequence[int]) -> list[int]:
    """Round numbers, evenly apart, the lowest and highest of which hold all values and zero between them; from three to six."""
    low, high = min([0, *values]), max([0, *values])
    step = next(step for step in _round_numbers() if (high - low) <= step * LINES_MAX)
    first, last = low // step, -(-high // step)
    return [n * step for n in range(first, max(last, first + 1) + 1)]


def _round_numbers() -> Sequence[int]:
    return [digit * 10**power for power in range(19) for digit in (1, 2, 5)]


def _height(value: float, ticks: list[int]) -> float:
    low, high = ticks[0], ticks[-1]
    return HEIGHT - (value - low) / (high - low) * HEIGHT


def _labels(labels: list[str]) -> list[str]:
    """As many of them as there is room for, evenly chosen, the first and the last among them."""
    if len(labels) <= LABELS_MAX:
        return labels
    return [labels[round(n * (len(labels) - 1) / (LABELS_MAX - 1))] for n in range(LABELS_MAX)]

"""How the time to refuse hostile input grows when the input doubles. Linear is a ratio of 2; quadratic would be 4."""

from __future__ import annotations

import contextlib
import itertools
import statistics
import time
from collections.abc import Callable
from typing import Any

from mutoscope.web.guard import Refused, check_json_depth
from mutoscope.web.observe.redaction import clean

SIZES = (50_000, 100_000, 200_000, 400_000)
ROUNDS = 7

# For each parser of ours, the inputs that would hurt a careless one most.
HOSTILE: dict[str, tuple[Callable[[int], Any], Callable[[Any], object]]] = {
    "JSON: open brackets in a string": (lambda n: b'"' + b"[" * n, check_json_depth),
    "JSON: escaped quotes without end": (lambda n: b'"' + b'\\"' * (n // 2), check_json_depth),
    "JSON: many short strings": (lambda n: b'""' * (n // 2), check_json_depth),
    "JSON: brackets side by side": (lambda n: b"[]" * (n // 2), check_json_depth),
    "redaction: many schemes": (lambda n: "://" * (n // 3), clean),
    "redaction: user without end": (lambda n: "postgresql://" + "a" * n, clean),
    "redaction: colons": (lambda n: "postgresql://" + "a:" * (n // 2), clean),
    "redaction: bearer without end": (lambda n: "Bearer " * (n // 7), clean),
    "redaction: reset links": (lambda n: "/password/reset/key/" * (n // 20), clean),
}


def main() -> None:
    """Print one row for each hostile input."""
    print("| hostile input | " + " | ".join(f"{size // 1000} kB, ms" for size in SIZES) + " | largest ratio |")
    print("|---|" + "---|" * (len(SIZES) + 1))
    for name, (make, parse) in HOSTILE.items():
        times = [_measure(parse, make(size)) for size in SIZES]
        ratios = [later / earlier for earlier, later in itertools.pairwise(times)]
        print(f"| {name} | " + " | ".join(f"{t * 1000:.2f}" for t in times) + f" | {max(ratios):.2f} |")


def _measure(parse: Callable[[Any], object], content: Any) -> float:
    times = []
    for _ in range(ROUNDS):
        began = time.perf_counter()
        with contextlib.suppress(Refused):
            parse(content)
        times.append(time.perf_counter() - began)
    return statistics.median(times)

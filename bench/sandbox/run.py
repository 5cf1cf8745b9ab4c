"""What each level adds to starting a program: `python -m bench sandbox`."""

from __future__ import annotations

import statistics
import subprocess
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

from mutoscope.engines.sandbox import Job, Sandbox, probe_all

ROUNDS = 60
PROGRAM = Path("/usr/bin/true")


def main() -> None:
    """Print one row for each way, all measured in turns so that the machine's moods hit them alike."""
    ways: dict[str, Callable[[], object]] = {
        "bare (the limit)": lambda: subprocess.run(
            [PROGRAM], stdin=subprocess.DEVNULL, capture_output=True, check=True, start_new_session=True
        )
    }
    for probe in probe_all():
        if probe.works:
            ways[probe.level] = partial(Sandbox(probe.level).run, Job(PROGRAM, lambda _: []))
    times: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(ROUNDS):
        for name, start in ways.items():
            began = time.perf_counter()
            start()
            times[name].append((time.perf_counter() - began) * 1000)
    bare = statistics.median(times["bare (the limit)"])
    print("| start and end of a program | median ms | p95 ms | over bare ms |")
    print("|---|---|---|---|")
    for name, taken in times.items():
        median = statistics.median(taken)
        p95 = sorted(taken)[int(len(taken) * 0.95)]
        print(f"| {name} | {median:.1f} | {p95:.1f} | {median - bare:.1f} |")

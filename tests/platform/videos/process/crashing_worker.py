"""A worker that is killed by SIGKILL at a named point: `python crashing_worker.py POINT`."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable
from typing import Any

import django

# Point: module, attribute, and at which call it dies, before or after it.
POINTS: dict[str, tuple[str, str, int, str]] = {
    "original linked, row not written": ("process.originals", "files.sync_folder", 1, "after"),
    "probed, not kept": ("process.units", "plan_ladder", 1, "after"),
    "edition opened, not committed": ("process.units", "facts_as_json", 1, "after"),
    "first segment stored, row not written": ("process.units", "keep_piece", 1, "before"),
    "half of the fast lane": ("process.units", "keep_piece", 3, "after"),
    "fast lane done, not kept": ("process.units", "work_of", 1, "before"),
    "first segment of a chunk": ("process.segments", "Shelf.keep", 5, "after"),
    "chunk encoded, rows not written": ("process.encode", "make_chunk", 1, "after"),
    "second cover": ("process.finishing", "keep_cover", 2, "before"),
    "subtitles stored, row not written": ("process.finishing", "label_of", 1, "before"),
    "trailer stored, not kept": ("process.trailer", "keep_trailer", 1, "after"),
    "playlists half written": ("process.finishing", "_Files.write", 2, "after"),
    "manifest written, not kept": ("process.finishing", "Packaged", 1, "before"),
    "published, not committed": ("process.finishing", "move", 1, "after"),
}


def dying(function: Callable[..., Any], at: int, when: str) -> Callable[..., Any]:
    calls = 0

    def call(*arguments: Any, **options: Any) -> Any:
        nonlocal calls
        calls += 1
        if calls == at and when == "before":
            os.kill(os.getpid(), signal.SIGKILL)
        result = function(*arguments, **options)
        if calls == at:
            os.kill(os.getpid(), signal.SIGKILL)
        return result

    return call


def main(point: str) -> None:
    django.setup()
    from importlib import import_module

    from mutoscope.engines.tasks.queue.backend import backend_of
    from mutoscope.engines.tasks.queue.worker.worker import Worker, run_until_signalled

    module, path, at, when = POINTS[point]
    owner: Any = import_module(f"mutoscope.platform.videos.{module}")
    *way, name = path.split(".")
    for part in way:
        owner = getattr(owner, part)
    setattr(owner, name, dying(getattr(owner, name), at, when))
    sys.exit(run_until_signalled(Worker(backend_of())))


if __name__ == "__main__":
    main(sys.argv[1])

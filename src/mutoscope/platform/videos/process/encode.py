"""Running encoders and keeping what they make, segment by segment, while they run."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from mutoscope.engines.sandbox import Places
from mutoscope.platform.videos.domain.damage import Stretch, lost_stretches, refuse_too_much
from mutoscope.platform.videos.domain.ladder import Plan, Rung
from mutoscope.platform.videos.domain.source import SourceFacts
from mutoscope.platform.videos.process import arguments, ffmpeg
from mutoscope.platform.videos.process.fragments import Malformed, Tail, codecs, timescale
from mutoscope.platform.videos.process.orders import Stream
from mutoscope.platform.videos.process.probe import moments_of
from mutoscope.platform.videos.process.segments import Binder, Segment, Shelf

# Said of pictures that are shown all the same, patched from their neighbours.
_FLAW = re.compile(r"error while decoding|Invalid data found|corrupt decoded frame|concealing")
_LOUDNESS = re.compile(r"Integrated loudness:\s+I:\s+(-?\d+(?:\.\d+)?) LUFS")


@dataclass(frozen=True)
class FastLane:
    """What the first decode left."""

    streams: list[Stream]
    # Hundredths of LUFS, one for each sound; None where there was too little.
    loudness_clufs: list[int | None]
    sprites: list[bytes]
    lost: list[Stretch]
    # Every picture could be read, and the decoder had nothing to say.
    is_flawless: bool


OnStream = Callable[[Stream], None]
# Told of each new run of segments: stream, number of the first, segments.
OnSegments = Callable[[str, int, Sequence[Segment]], None]
Report = Callable[[float], None]


class Collector:
    """Takes whole fragments out of the files that an encoder is writing, binds them into segments and tells of them."""

    def __init__(
        self, work: Path, shelf: Shelf, on_segments: OnSegments, on_stream: OnStream = lambda stream: None
    ) -> None:
        self.work = work
        self.shelf = shelf
        self.on_segments = on_segments
        self.on_stream = on_stream
        self.binders: dict[str, Binder] = {}
        self.tails: dict[str, Tail] = {}
        self.streams: dict[str, Stream] = {}
        self._told: dict[tuple[str, str], int] = {}

    def expect(self, name: str, binder: Binder) -> None:
        self.binders[name] = binder
        self.tails[name] = Tail(self.work / f"{name}.mp4")

    def collect(self) -> None:
        """Everything that has become whole since the last call."""
        for name, tail in self.tails.items():
            for fragment in tail.new_fragments():
                self._begin(name, tail)
                self.binders[name].add(fragment)
        self._tell()

    def finish(self) -> None:
        """The encoder has ended: what is left is whole. Raises Malformed when segments are missing."""
        self.collect()
        for name, binder in self.binders.items():
            if name not in self.streams:
                raise Malformed(f"{name}: nothing was written")
            binder.finish()
        self._tell()

    def _begin(self, name: str, tail: Tail) -> None:
        if name in self.streams:
            return
        if tail.init is None:
            raise Malformed(f"{name}: no init segment")
        scale = timescale(tail.init)
        if self.binders[name].ticks_per_s != scale:
            raise Malformed(f"{name}: {scale} ticks a second")
        self.streams[name] = Stream(name, codecs(tail.init), scale, self.shelf.keep_init(name, tail.init))
        self.on_stream(self.streams[name])

    def _tell(self) -> None:
        for name, binder in self.binders.items():
            for stream, found in ((name, binder.ready), ("iframes", binder.first_frames)):
                told = self._told.get((stream, name), 0)
                if len(found) > told:
                    self.on_segments(stream, binder.first_number + told, found[told:])
                    self._told[(stream, name)] = len(found)


def _watching(collector: Collector, frames: int, report: Report) -> Callable[[str], None]:
    def line(text: str) -> None:
        key, _, value = text.partition("=")
        if key == "frame" and value.strip().isdecimal():
            report(min(0.99, int(value) / max(1, frames)))
        if key == "progress":
            collector.collect()

    return line


def make_fast_lane(
    film: Path, facts: SourceFacts, plan: Plan, encoder: arguments.Encoder, shelf: Shelf, work: Path,
    *, on_segments: OnSegments, on_stream: OnStream, report: Report, cancel_requested: Callable[[], bool],
) -> FastLane:  # fmt: skip
    """The small rungs, sound and sprites of the whole film, segments told of as they come."""
    collector = Collector(work, shelf, on_segments, on_stream)
    scale = arguments.ticks_per_s(plan)
    starts = [arguments.ticks(plan, start) for start in plan.starts]
    for number, rung in enumerate(plan.fast()):
        collector.expect(rung.name, Binder(shelf, rung.name, scale, starts, takes_first_frames=number == 0))
    for number in range(len(plan.sound_indices)):
        name = f"audio-{number}"
        collector.expect(name, Binder(shelf, name, arguments.SOUND_RATE_HZ, None))
    try:
        outcome = ffmpeg.run(
            {"film": film},
            lambda places: arguments.fast_lane(places, facts, plan, encoder),
            work,
            film_s=plan.duration_s,
            on_line=_watching(collector, plan.frames, report),
            cancel_requested=cancel_requested,
            verbosity="info",
        )
    except ffmpeg.Broke:
        # Where much of the file cannot be read, that is why.
        lost_of(facts, work)
        raise
    lost, is_whole = lost_of(facts, work)
    collector.finish()
    found = [float(value) for value in _LOUDNESS.findall(outcome.stderr_tail)]
    # ffmpeg says -70 where all was silent or too short.
    loudness = [round(value * 100) if value > -70 else None for value in found]
    loudness += [None] * (len(plan.sound_indices) - len(loudness))
    ffmpeg.run(
        {"tiles": work / arguments.TILES},
        lambda places: arguments.sheets(places, plan),
        work,
        film_s=plan.duration_s,
        cancel_requested=cancel_requested,
    )
    sprites = [path.read_bytes() for path in sorted(work.glob("sprite-*.jpg"))]
    streams = [collector.streams[name] for name in collector.binders]
    return FastLane(streams, loudness, sprites, lost, is_whole and _FLAW.search(outcome.stderr_tail) is None)


def lost_of(facts: SourceFacts, work: Path) -> tuple[list[Stretch], bool]:
    """What of the film could not be read, after the fast lane, and whether each of its pictures could.

    Raises Unusable where that is too much.
    """
    held, shown = (moments_of(work / name) for name in (arguments.HELD, arguments.SHOWN))
    lost = lost_stretches(held, shown, is_broken=facts.is_broken)
    refuse_too_much(facts.duration_s, facts.missing_s, sum(stretch.length_s for stretch in lost))
    return lost, not facts.is_broken and len(shown) >= len(held)


def make_chunk(
    film: Path, facts: SourceFacts, plan: Plan, encoder: arguments.Encoder, shelf: Shelf, work: Path,
    rungs: Sequence[Rung], first: int, segments: int,
    *, on_segments: OnSegments, report: Report, cancel_requested: Callable[[], bool], is_damaged: bool = False,
) -> list[Stream]:  # fmt: skip
    """Some rungs of some segments. A jump that landed too late is made up for by decoding from the beginning."""
    begin, end = plan.starts[first], plan.end_of(first + segments - 1)
    is_last = first + segments == len(plan.starts)
    for jumps in (True, False):
        collector = _chunk_collector(work, shelf, on_segments, plan, rungs, first, segments)

        def tell(places: Places, jumps: bool = jumps) -> list[str]:
            return arguments.chunk(
                places, facts, plan, encoder, rungs, first, segments, jumps=jumps, is_damaged=is_damaged
            )

        ffmpeg.run(
            {"film": film},
            tell,
            work,
            film_s=float((end - begin if jumps else end) / plan.rate()),
            on_line=_watching(collector, end - begin, report),
            cancel_requested=cancel_requested,
        )
        collector.collect()
        frames = {binder.frames for binder in collector.binders.values()}
        if frames == {end - begin} or (is_last and frames and min(frames) > 0):
            collector.finish()
            return [collector.streams[rung.name] for rung in rungs]
    raise Malformed(f"segments {first} to {first + segments - 1}: {frames} frames instead of {end - begin}")


def _chunk_collector(
    work: Path, shelf: Shelf, on_segments: OnSegments, plan: Plan, rungs: Sequence[Rung], first: int, segments: int
) -> Collector:
    # Chunks are told of when they are whole: an attempt that jumped too far must leave nothing.
    collector = Collector(work, shelf, on_segments)
    offset = arguments.ticks(plan, plan.starts[first])
    starts = [arguments.ticks(plan, start) for start in plan.starts[first : first + segments]]
    for rung in rungs:
        (work / f"{rung.name}.mp4").unlink(missing_ok=True)
        binder = Binder(shelf, rung.name, arguments.ticks_per_s(plan), starts, first, offset)
        collector.expect(rung.name, binder)
    return collector


def make_copy(
    film: Path, facts: SourceFacts, plan: Plan, rung: Rung, shelf: Shelf, work: Path,
    *, on_segments: OnSegments, report: Report, cancel_requested: Callable[[], bool],
) -> list[Stream]:  # fmt: skip
    """The source's own pictures as a rendition."""
    collector = Collector(work, shelf, on_segments)
    starts = [arguments.ticks(plan, start) for start in plan.starts]
    collector.expect(rung.name, Binder(shelf, rung.name, arguments.ticks_per_s(plan), starts))
    ffmpeg.run(
        {"film": film},
        lambda places: arguments.copied(places, facts, plan, rung),
        work,
        film_s=plan.duration_s,
        on_line=_watching(collector, plan.frames, report),
        cancel_requested=cancel_requested,
    )
    collector.finish()
    return [collector.streams[rung.name]]

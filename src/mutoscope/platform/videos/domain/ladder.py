"""Which renditions are made of a film, and how the work is cut up. Pure: facts in, plan out.

Never larger than the source, always from the source, and the same moments are keys in every rendition.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import pairwise

from mutoscope.platform.videos.domain.source import SourceFacts, Unusable

# Short side, greatest mean bits a second at 30 frames a second. Source: docs/videos.md.
RUNGS = ((240, 400_000), (360, 800_000), (480, 1_400_000), (720, 2_800_000), (1080, 5_500_000), (1440, 9_000_000),
         (2160, 16_000_000))  # fmt: skip
# One decode makes them first, so that something can be watched within seconds.
FAST_SHORT_SIDE_MAX = 360
# A rung between two of the list is worth making when the source is this much larger than the one below.
WORTH_A_RUNG = 1.1
# A compliant source may be this much above its rung's rate and still be shown as it is.
COPY_RATE_MAX = 1.5
H264, AV1 = "h264", "av1"
# AV1 needs about this part of the bits for the same look, and its encoder about this much more memory.
AV1_RATE, AV1_MEMORY = 0.6, 2
SEGMENT_S = 4
SEGMENT_COPIED_S_MAX = 6.5
KEY_PERIOD_S = 80
DURATION_S_MAX = 12 * 3600
SIDE_MIN = 16
# Pixels of a picture, over all rungs that one process makes: what bounds its memory.
PIXELS_A_PROCESS_MAX = 4_600_000
CHUNK_SEGMENTS_MAX = 10
CHUNK_SEGMENTS_MIN = 3
CHUNKS_WANTED = 4
SOUNDS_MAX = 8
TEXTS_MAX = 32


@dataclass(frozen=True)
class Rung:
    """One rendition to be made."""

    name: str
    width: int
    height: int
    bits_per_s_max: int
    is_fast: bool = False
    is_copy: bool = False
    codec: str = H264

    def pixels(self) -> int:
        return self.width * self.height

    def weight(self) -> int:
        """What its encoder needs of memory, in pixels of an H.264 encoder."""
        return self.pixels() * (AV1_MEMORY if self.codec == AV1 else 1)


@dataclass(frozen=True)
class Plan:
    """How a film is made. Frames are counted on the grid of the rate, from the film's beginning."""

    rate_num: int
    rate_den: int
    frames: int
    duration_s: float
    # The first frame of each segment, 0 first.
    starts: tuple[int, ...]
    rungs: tuple[Rung, ...]
    sound_indices: tuple[int, ...]
    text_indices: tuple[int, ...]
    sprite_interval_s: float
    key_period_s: int = KEY_PERIOD_S

    def rate(self) -> Fraction:
        return Fraction(self.rate_num, self.rate_den)

    def fast(self) -> tuple[Rung, ...]:
        return tuple(rung for rung in self.rungs if rung.is_fast)

    def copied(self) -> Rung | None:
        return next((rung for rung in self.rungs if rung.is_copy), None)

    def end_of(self, segment: int) -> int:
        """The frame after a segment's last."""
        return self.starts[segment + 1] if segment + 1 < len(self.starts) else self.frames


@dataclass(frozen=True)
class Chunk:
    """One process's work: some rungs of some consecutive segments."""

    rungs: tuple[str, ...]
    first_segment: int
    segments: int


def plan_ladder(facts: SourceFacts, *, with_av1: bool = False) -> Plan:
    """The plan for a film: H.264 always, the same ladder in AV1 besides. Raises Unusable with a sentence for its creator."""
    width, height = facts.picture.upright()
    if min(width, height) < SIDE_MIN:
        raise Unusable(f"The picture has {width} x {height} pixels, which is too small for a film.")
    if facts.duration_s > DURATION_S_MAX:
        raise Unusable(f"This film is longer than {DURATION_S_MAX // 3600} hours. Cut it into parts.")
    rate = facts.time.rate()
    frames = max(1, round(Fraction(facts.time.end_s) * rate))
    rungs = _rungs(width, height, rate)
    copied_starts = _starts_of_copy(facts, rungs[-1], frames)
    if copied_starts is not None:
        top = rungs[-1]
        rungs = [*rungs[:-1], Rung(top.name, width, height, top.bits_per_s_max, is_copy=True)]
    uniform = max(1, round(SEGMENT_S * rate))
    if with_av1:
        # A whole ladder of its own: players change rungs within one codec only.
        rungs = [*rungs, *(_in_av1(rung) for rung in rungs)]
    # What would be left over at the end joins the last segment: a rounded frame more or less must not make one.
    starts = copied_starts or (0, *range(uniform, frames - uniform // 4, uniform))
    sounds = sorted(facts.sounds, key=lambda sound: not sound.is_default)
    duration_s = max(float(frames / rate), 0.001)
    return Plan(
        rate_num=rate.numerator,
        rate_den=rate.denominator,
        frames=frames,
        duration_s=duration_s,
        starts=starts,
        rungs=tuple(rungs),
        sound_indices=tuple(sound.index for sound in sounds[:SOUNDS_MAX]),
        text_indices=tuple(text.index for text in facts.texts[:TEXTS_MAX]),
        sprite_interval_s=_sprite_interval_s(duration_s),
    )


def uncopied(plan: Plan) -> Plan:
    """The same plan with every rung encoded, its segments where they were."""
    return replace(plan, rungs=tuple(replace(rung, is_copy=False) for rung in plan.rungs))


def chunks(plan: Plan) -> list[Chunk]:
    """The work after the fast lane: rungs in groups that fit into memory, segments in runs that any worker may take."""
    left = [rung for rung in plan.rungs if not rung.is_fast and not rung.is_copy]
    # Small rungs first: what plays soonest is worth most. What everybody can play comes before what is an option.
    groups = [
        group for codec in (H264, AV1) for group in reversed(_groups([rung for rung in left if rung.codec == codec]))
    ]
    return [
        Chunk(tuple(rung.name for rung in group), first, after - first)
        for group in groups
        for first, after in pairwise(_cuts(len(plan.starts)))
    ]


def _cuts(count: int) -> list[int]:
    """Where chunks begin, and the end: as even as can be, and as many as two or four workers share without a rest."""
    if count <= CHUNKS_WANTED * CHUNK_SEGMENTS_MAX:
        wanted = min(CHUNKS_WANTED, max(1, count // CHUNK_SEGMENTS_MIN))
        number = wanted - wanted % 2 if wanted > 1 else 1
    else:
        number = -(-count // (CHUNKS_WANTED * CHUNK_SEGMENTS_MAX)) * CHUNKS_WANTED
    return [count * at // number for at in range(number + 1)]


def _groups(rungs: list[Rung]) -> list[list[Rung]]:
    """Rungs that one process makes together, the largest first: what it needs of memory is bounded."""
    groups: list[list[Rung]] = []
    for rung in sorted(rungs, key=Rung.weight, reverse=True):
        fitting = next((g for g in groups if sum(r.weight() for r in g) + rung.weight() <= PIXELS_A_PROCESS_MAX), None)
        if fitting is None:
            groups.append([rung])
        else:
            fitting.append(rung)
    return groups


def _in_av1(rung: Rung) -> Rung:
    return Rung(f"{rung.name}-{AV1}", rung.width, rung.height, int(rung.bits_per_s_max * AV1_RATE), codec=AV1)


def _rungs(width: int, height: int, rate: Fraction) -> list[Rung]:
    short = min(width, height)
    factor = 1.5 if rate > 35 else 1.0
    fitting = [(side, bits) for side, bits in RUNGS if side <= short]
    if not fitting or short > fitting[-1][0] * WORTH_A_RUNG:
        above = next((bits for side, bits in RUNGS if side > short), RUNGS[-1][1])
        if short < RUNGS[-1][0]:
            fitting.append((short, above))
    rungs = []
    for side, bits in fitting:
        scaled = _scaled(width, height, side)
        is_fast = side <= FAST_SHORT_SIDE_MAX or side == fitting[0][0]
        rungs.append(Rung(f"{side}p", *scaled, int(bits * factor), is_fast=is_fast))
    return rungs


def _scaled(width: int, height: int, short_side: int) -> tuple[int, int]:
    """Even sides of the same shape, the short one as given. H.264 in 4:2:0 has no odd ones."""
    if short_side == min(width, height):
        return max(SIDE_MIN, width - width % 2), max(SIDE_MIN, height - height % 2)
    long_side = max(width, height) * short_side / min(width, height)
    long_even, short_even = max(2, round(long_side / 2) * 2), max(2, short_side - short_side % 2)
    return (long_even, short_even) if width >= height else (short_even, long_even)


def _starts_of_copy(facts: SourceFacts, top: Rung, frames: int) -> tuple[int, ...] | None:
    """Where segments begin when the source's own pictures are the top rendition; None when they cannot be."""
    picture, time = facts.picture, facts.time
    complies = (
        picture.codec == "h264"
        and picture.pixel_format in ("yuv420p", "yuvj420p")
        and not picture.is_interlaced
        and picture.rotation == 0
        and picture.sar_num == picture.sar_den
        and (picture.width, picture.height) == (top.width, top.height)
        and not top.is_fast
        and time.is_steady
        and time.is_closed
        and abs(time.first_s) < 0.001
        and time.bits_per_s <= top.bits_per_s_max * COPY_RATE_MAX
    )
    if not complies or not time.keys or time.keys[0] != 0:
        return None
    rate = time.rate()
    starts = [0]
    wanted = SEGMENT_S * rate
    following = [*time.keys[1:], frames]
    for key, after in zip(time.keys[1:], following[1:], strict=True):
        # Begin a segment at the last key before it would grow too long.
        if after - starts[-1] > wanted:
            starts.append(key)
    lengths = [after - start for start, after in zip(starts, [*starts[1:], frames], strict=True)]
    return tuple(starts) if max(lengths) <= SEGMENT_COPIED_S_MAX * rate and min(lengths) > 0 else None


def _sprite_interval_s(duration_s: float) -> float:
    """About a hundred pictures over a film, never closer than two seconds, unless it is very short."""
    return max(duration_s / 100, 2.0) if duration_s > 4 else max(duration_s / 2, 0.04)

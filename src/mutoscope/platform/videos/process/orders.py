"""What units hand on to each other. Kept as JSON in checkpoints, so small: a film of twelve hours fits."""

from __future__ import annotations

from dataclasses import dataclass, field

from mutoscope.platform.videos.domain.ladder import Chunk, Plan, chunks, uncopied
from mutoscope.platform.videos.domain.source import SourceFacts


@dataclass(frozen=True)
class Order:
    """What a run is asked for."""

    video_id: int
    upload_token: str = ""


@dataclass(frozen=True)
class Original:
    video_id: int
    name: str


@dataclass(frozen=True)
class Looked:
    """A film's facts, and what is to be made of it."""

    video_id: int
    original: str
    facts: SourceFacts
    plan: Plan


@dataclass(frozen=True)
class Begun:
    """The same with the edition that is being filled."""

    video_id: int
    original: str
    facts: SourceFacts
    plan: Plan
    edition_id: int


@dataclass(frozen=True)
class Stream:
    """What a finished stream is, beside its segments."""

    name: str
    codecs: str
    timescale: int
    init_file: str


@dataclass(frozen=True)
class FastDone:
    """`maker` marks the rows of segments that count: another attempt's have another."""

    maker: str
    streams: list[Stream]
    loudness_clufs: list[int | None]
    sprites: list[str]
    work: list[Work]
    # What could not be read, in all, and where that began: the first few places.
    lost_s: float = 0.0
    lost_at_s: list[float] = field(default_factory=list)


@dataclass(frozen=True)
class Work:
    """One item for any worker: some rungs of some segments, or the copy of the top rung."""

    chunk: Chunk
    is_copy: bool = False
    is_damaged: bool = False


@dataclass(frozen=True)
class Done:
    maker: str
    streams: list[Stream]


@dataclass(frozen=True)
class Packaged:
    edition_id: int
    manifest_sha256: str
    bytes: int


def work_of(plan: Plan, *, is_flawless: bool = True, is_damaged: bool = False) -> list[Work]:
    """What is left after the fast lane. A film with a flaw is copied nowhere: players give up where a decoder goes on."""
    copied = plan.copied()
    if not is_flawless:
        plan, copied = uncopied(plan), None
    items = [Work(chunk, is_damaged=is_damaged) for chunk in chunks(plan)]
    if copied is not None:
        # Nearly no work, and the best picture there is.
        items.insert(0, Work(Chunk((copied.name,), 0, len(plan.starts)), is_copy=True))
    return items

"""What is known of a film as it was sent: the facts that a ladder is planned from."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise

# How much later than every other frame one may come before the film counts as one of a varying frame rate.
JITTER = Fraction(1, 500)
RATES = tuple(
    Fraction(*rate)
    for rate in ((1, 1), (5, 1), (10, 1), (12, 1), (12500, 1001), (15, 1), (15000, 1001), (24000, 1001), (24, 1), (25, 1),
                 (30000, 1001), (30, 1), (48, 1), (50, 1), (60000, 1001), (60, 1))
)  # fmt: skip
RATE_MAX = Fraction(60)


class Unusable(Exception):
    """No film can be made of this file. The message is a sentence for whoever sent it."""


@dataclass(frozen=True)
class PictureFacts:
    """The stream of pictures. Width and height are the stored ones, before it is turned."""

    index: int
    codec: str
    width: int
    height: int
    pixel_format: str
    # Shape of a pixel.
    sar_num: int = 1
    sar_den: int = 1
    # Degrees to turn it clockwise to stand upright: 0, 90, 180 or 270.
    rotation: int = 0
    is_interlaced: bool = False
    transfer: str = ""

    def is_hdr(self) -> bool:
        return self.transfer in ("smpte2084", "arib-std-b67")

    def upright(self) -> tuple[int, int]:
        """Width and height as they are seen: with square pixels, turned upright."""
        width, height = self.width, self.height
        if self.sar_num > 0 and self.sar_den > 0 and self.sar_num != self.sar_den:
            width = max(1, round(width * self.sar_num / self.sar_den))
        return (height, width) if self.rotation in (90, 270) else (width, height)


@dataclass(frozen=True)
class SoundFacts:
    index: int
    codec: str
    channels: int
    rate_hz: int
    language: str = "und"
    title: str = ""
    is_default: bool = False


@dataclass(frozen=True)
class TextFacts:
    """Subtitles as text. Pictures of subtitles are left out: they would have to be read."""

    index: int
    codec: str
    language: str = "und"
    title: str = ""


@dataclass(frozen=True)
class TimeFacts:
    """How the pictures lie in time, from their packets: seconds from the file's beginning."""

    frames: int
    first_s: float
    end_s: float
    rate_num: int
    rate_den: int
    is_steady: bool
    # Where the keys are, in frames of that rate; empty unless steady.
    keys: tuple[int, ...] = ()
    is_closed: bool = False
    bits_per_s: int = 0

    def rate(self) -> Fraction:
        return Fraction(self.rate_num, self.rate_den)


@dataclass(frozen=True)
class SourceFacts:
    """A film as it was sent."""

    container: str
    duration_s: float
    picture: PictureFacts
    time: TimeFacts
    sounds: tuple[SoundFacts, ...] = ()
    texts: tuple[TextFacts, ...] = ()
    # Its reader stumbled over the file itself, not over single pictures.
    is_broken: bool = False
    # How much longer the file claims to be, where that is so.
    missing_s: float = 0.0


def nearest_rate(frames_per_s: Fraction) -> Fraction:
    """The usual rate next to this one, halved until it is no more than 60."""
    while frames_per_s > RATE_MAX * Fraction(101, 100):
        frames_per_s /= 2
    return min(RATES, key=lambda rate: abs(rate - frames_per_s))


def time_facts(packets: list[tuple[int, int, int, bool]], tick: Fraction, origin_s: float) -> TimeFacts:
    """How pictures lie in time. `packets` in the order of the file: (pts, duration, bytes, is a key); `tick` in seconds.

    Raises Unusable where there is no picture, or hardly any for the time that is claimed.
    """
    if not packets:
        raise Unusable("There is no picture in this file.")
    moments = sorted(packet[0] for packet in packets)
    first, last = moments[0], moments[-1]
    steps = sorted(b - a for a, b in pairwise(moments) if b > a)
    step = steps[len(steps) // 2] if steps else (packets[0][1] or round(Fraction(1, 25) / tick))
    end = last + max(1, min(step, *(packet[1] for packet in packets if packet[0] == last and packet[1] > 0), step))
    length_s = float((end - first) * tick)
    if length_s > 60 and len(packets) / length_s < 0.5:
        raise Unusable("This file claims to be long, but hardly holds a picture. It may be damaged.")
    exact = 1 / (step * tick)
    rate = nearest_rate(exact)
    tolerance = max(Fraction(2), JITTER / tick)
    frame = 1 / (rate * tick)
    is_steady = abs(rate - exact) < exact / 50 and all(
        abs((moment - first) - frame * number) <= tolerance for number, moment in enumerate(moments)
    )
    origin = Fraction(origin_s).limit_denominator(1_000_000) / tick
    keys: tuple[int, ...] = ()
    if is_steady:
        keys = tuple(round((pts - origin) / frame) for pts, _, _, is_key in packets if is_key)
    return TimeFacts(
        frames=len(packets),
        first_s=float(first * tick) - origin_s,
        end_s=float(end * tick) - origin_s,
        rate_num=rate.numerator,
        rate_den=rate.denominator,
        is_steady=is_steady,
        keys=keys,
        is_closed=_is_closed(packets),
        bits_per_s=int(sum(packet[2] for packet in packets) * 8 / max(length_s, 0.04)),
    )


def _is_closed(packets: list[tuple[int, int, int, bool]]) -> bool:
    """Whether no picture that comes after a key in the file is shown before it."""
    earliest_allowed: int | None = None
    for pts, _, _, is_key in packets:
        if is_key:
            earliest_allowed = pts
        if earliest_allowed is None or pts < earliest_allowed:
            return False
    return True

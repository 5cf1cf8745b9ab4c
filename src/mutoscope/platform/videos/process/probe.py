"""Looking into a film: its streams out of what ffmpeg says, its time out of its packets."""

from __future__ import annotations

import re
from array import array
from collections.abc import Iterable
from fractions import Fraction
from pathlib import Path

from mutoscope.engines.sandbox import Limits, Places
from mutoscope.platform.videos.domain.source import (
    PictureFacts,
    SoundFacts,
    SourceFacts,
    TextFacts,
    Unusable,
    time_facts,
)
from mutoscope.platform.videos.process import ffmpeg

TEXT_CODECS = frozenset({"subrip", "ass", "ssa", "webvtt", "mov_text", "text"})
PACKETS = "packets.txt"
# About ten hours at sixty frames a second.
PACKETS_MAX = 3_000_000
# A line for each of them, of some seventy characters, with room to spare.
PACKETS_BYTES_MAX = 512 * 1024 * 1024
# The file is read once, at least so fast; what may go on beyond is a file whose index names its bytes over and over.
READ_BYTES_PER_S = 4 * 1024 * 1024
READING_S_MIN = 600
# Sound often outlasts the pictures by less.
MISSING_S_MIN = 1.0

# Values of metadata are indented further, also after a line feed in one, so that no title can pass for a stream.
_INPUT = re.compile(r"^Input #0, ([\w,]+), from ", re.MULTILINE)
_STREAM = re.compile(r"^  Stream #0:(\d+)(?:\[\w+\])?(?:\(([\w-]+)\))?: (Video|Audio|Subtitle): (.*)$")
_DURATION = re.compile(r"^  Duration: (\d+):(\d\d):(\d\d\.\d+),", re.MULTILINE)
# What ffmpeg's readers say of a file that ends too early, or that they lost their place in.
_BROKEN = re.compile(
    r"File ended prematurely|partial file|invalid as first byte of an EBML number|exceeds containing master element"
    r"|max resync size reached"
)
_OUTPUT = re.compile(r"^Output #0, ", re.MULTILINE)
_SIZE = re.compile(r", (\d{1,5})x(\d{1,5})(?: \[SAR (\d+):(\d+) DAR \d+:\d+\])?")
_PIXELS = re.compile(r"^(\w+)[^,]*(?:\([^)]*\))*, (\w+)(?:\(([^)]*)\))?")
_ROTATION = re.compile(r"^\s+display ?matrix: rotation of (-?\d+(?:\.\d+)?) degrees", re.IGNORECASE)
_TITLE = re.compile(r"^      title\s*: (.*)$")
_RATE = re.compile(r", (\d+) Hz, ([^,]+)")
_LAYOUTS = {"mono": 1, "stereo": 2, "2.1": 3, "quad": 4, "4.0": 4, "5.0": 5, "5.1": 6, "6.1": 7, "7.1": 8}


def look_into(film: Path, work: Path) -> SourceFacts:
    """The facts of a film. Raises Unusable with a sentence for its creator, Broke, or NoRoom."""
    limits = limits_of(film.stat().st_size)

    def told(places: Places, *bounds: str) -> list[str]:
        copied = ["-nostats", *ffmpeg.film_input(places), "-map", "0:V:0", "-c", "copy", *bounds]
        # One more than is allowed, so that too many are told from just enough.
        copied += ["-frames:v", str(PACKETS_MAX + 1)]
        return [*copied, "-f", "framecrc", places.output(PACKETS)]

    try:
        # By itself: what is said of a thousand broken pictures would push the header out of what is kept.
        header = ffmpeg.run(
            {"film": film}, lambda places: told(places, "-t", "0"), work, film_s=0, limits=limits, verbosity="info"
        )
        said = ffmpeg.run({"film": film}, told, work, film_s=0, limits=limits).stderr_tail
    except ffmpeg.Broke as error:
        raise _in_words(str(error)) from error
    picture, sounds, texts, container = parse_header(header.stderr_tail)
    with (work / PACKETS).open() as lines:
        tick, packets = parse_packets(lines)
    time = time_facts(packets, tick, 0.0)
    is_broken = _BROKEN.search(said) is not None
    missing_s = _claimed_s(header.stderr_tail) - time.end_s if is_broken else 0.0
    return SourceFacts(
        container=container, duration_s=time.end_s, picture=picture, time=time, sounds=sounds, texts=texts,
        is_broken=is_broken, missing_s=missing_s if missing_s >= MISSING_S_MIN else 0.0,
    )  # fmt: skip


def limits_of(film_bytes: int) -> Limits:
    """What looking into a film may take, by its size."""
    reading_s = READING_S_MIN + film_bytes // READ_BYTES_PER_S
    return Limits(cpu_s=reading_s, wall_s=reading_s, memory_bytes=ffmpeg.MEMORY_BYTES, file_bytes=PACKETS_BYTES_MAX)


def _claimed_s(header: str) -> float:
    """How long the file says it is; 0 where it does not say."""
    found = _DURATION.search(header)
    if found is None:
        return 0.0
    return int(found[1]) * 3600 + int(found[2]) * 60 + float(found[3])


def parse_header(text: str) -> tuple[PictureFacts, tuple[SoundFacts, ...], tuple[TextFacts, ...], str]:
    """Streams out of what ffmpeg prints before it begins. Raises Unusable where there is no picture."""
    container = _INPUT.search(text)
    upper = _OUTPUT.split(text, maxsplit=1)[0]
    pictures: list[PictureFacts] = []
    sounds: list[SoundFacts] = []
    texts: list[TextFacts] = []
    streams = re.split(r"(?=^  Stream #0:)", upper, flags=re.MULTILINE)[1:]
    for stream in streams:
        lines = stream.splitlines()
        head = _STREAM.match(lines[0])
        if head is None:
            continue
        index, language, kind, words = int(head[1]), head[2] or "und", head[3], head[4]
        title = next((found[1].strip() for line in lines if (found := _TITLE.match(line))), "")
        if kind == "Video" and "(attached pic)" not in words:
            pictures += _picture(index, words, lines)
        elif kind == "Audio":
            sounds += _sound(index, words, language, title)
        elif kind == "Subtitle":
            codec = re.split(r"\W", words, maxsplit=1)[0]
            if codec in TEXT_CODECS:
                texts.append(TextFacts(index, codec, language, title[:80]))
    if not pictures:
        raise Unusable("There is no picture in this file.")
    return pictures[0], tuple(sounds), tuple(texts), container[1] if container else ""


def parse_packets(lines: Iterable[str]) -> tuple[Fraction, list[tuple[int, int, int, bool]]]:
    """The tick in seconds, and (pts, duration, bytes, is a key) of each packet, out of ffmpeg's framecrc."""
    tick = Fraction(1, 1000)
    packets: list[tuple[int, int, int, bool]] = []
    for line in lines:
        if line.startswith("#tb 0:"):
            tick = Fraction(line.split(":", 1)[1].strip())
        if line.startswith("#") or not line.strip():
            continue
        parts = [part.strip() for part in line.split(",")]
        flags = next((int(part[2:], 0) for part in parts[6:] if part.startswith("F=")), 1)
        packets.append((int(parts[2]), int(parts[3]), int(parts[4]), bool(flags & 1)))
        if len(packets) > PACKETS_MAX:
            raise Unusable("This film has more pictures than can be handled. Cut it into parts.")
    return tick, packets


def moments_of(path: Path) -> array[float]:
    """When each picture of a framecrc is shown, in seconds and in order; none where there is no such file."""
    if not path.exists():
        return array("d")
    with path.open() as lines:
        tick, packets = parse_packets(lines)
    return array("d", sorted(float(packet[0] * tick) for packet in packets))


def _picture(index: int, words: str, lines: list[str]) -> list[PictureFacts]:
    size, pixels = _SIZE.search(words), _PIXELS.match(words)
    if size is None or pixels is None or int(size[1]) == 0:
        return []
    colours = pixels[3] or ""
    turn = next((float(found[1]) for line in lines if (found := _ROTATION.match(line))), 0.0)
    transfer = colours.split("/")[-1].split(",")[0].strip() if "/" in colours else ""
    return [
        PictureFacts(
            index=index,
            codec=pixels[1],
            width=int(size[1]),
            height=int(size[2]),
            pixel_format=pixels[2],
            sar_num=int(size[3] or 1),
            sar_den=int(size[4] or 1),
            # ffmpeg says how it lies counter-clockwise.
            rotation=round(-turn / 90) * 90 % 360,
            is_interlaced="top " in colours or "bottom " in colours,
            transfer=transfer or next((name for name in ("smpte2084", "arib-std-b67") if name in colours), ""),
        )
    ]


def _sound(index: int, words: str, language: str, title: str) -> list[SoundFacts]:
    found = _RATE.search(words)
    if found is None or int(found[1]) == 0:
        return []
    layout = found[2].split("(")[0].strip()
    counted = re.match(r"(\d+) channels", layout)
    channels = int(counted[1]) if counted else _LAYOUTS.get(layout, 2)
    codec = re.split(r"\W", words, maxsplit=1)[0]
    return [SoundFacts(index, codec, channels, int(found[1]), language, title[:80], "(default)" in words)]


def _in_words(error: str) -> Unusable | ffmpeg.Broke:
    if "matches no streams" in error:
        return Unusable("There is no picture in this file.")
    for sign in (
        "Invalid data found",
        "moov atom not found",
        "not whitelisted",
        "Error opening input",
        "Invalid argument",
    ):
        if sign in error:
            return Unusable(
                "This file is no film that can be read here, or it is damaged. Export the film again, as MP4 for example, "
                "and upload that."
            )
    return ffmpeg.Broke(error)

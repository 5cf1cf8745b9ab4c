"""HLS playlists as text. Source: RFC 8216, and its second edition's draft for names of groups."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

VERSION = 7
HEAD = f"#EXTM3U\n#EXT-X-VERSION:{VERSION}\n"


@dataclass(frozen=True)
class Entry:
    """One segment: its file, how long it is, and what it is encrypted under."""

    file: str
    seconds: Fraction
    iv: str
    key: int


@dataclass(frozen=True)
class Variant:
    """One rendition in the multivariant playlist."""

    name: str
    codecs: str
    width: int
    height: int
    frames_per_s: float
    bandwidth_max: int
    bandwidth_mean: int


@dataclass(frozen=True)
class Sound:
    name: str
    codecs: str
    language: str
    label: str
    is_default: bool
    channels: int
    bandwidth_max: int
    bandwidth_mean: int


@dataclass(frozen=True)
class Text:
    """Subtitles; `address` is that of their own playlist."""

    address: str
    language: str
    label: str
    is_default: bool


def media_playlist(
    entries: Sequence[Entry],
    init_file: str,
    key_addresses: Mapping[int, str],
    *,
    is_whole: bool = True,
    is_iframes: bool = False,
) -> str:
    """The playlist of one rendition or sound. While it is not whole it is an event that grows."""
    longest = max((entry.seconds for entry in entries), default=Fraction(4))
    lines = [HEAD.rstrip(), f"#EXT-X-TARGETDURATION:{max(1, math.ceil(longest))}", "#EXT-X-MEDIA-SEQUENCE:0"]
    lines.append(f"#EXT-X-PLAYLIST-TYPE:{'VOD' if is_whole else 'EVENT'}")
    lines.append("#EXT-X-I-FRAMES-ONLY" if is_iframes else "#EXT-X-INDEPENDENT-SEGMENTS")
    # Before the first key: what comes after one is encrypted under it, and the init segment is not.
    lines.append(f'#EXT-X-MAP:URI="{init_file}"')
    for entry in entries:
        lines.append(f'#EXT-X-KEY:METHOD=AES-128,URI="{key_addresses[entry.key]}",IV=0x{entry.iv}')
        lines.append(f"#EXTINF:{float(entry.seconds):.6f},")
        lines.append(entry.file)
    if is_whole:
        lines.append("#EXT-X-ENDLIST")
    return "\n".join(lines) + "\n"


def multivariant_playlist(
    variants: Sequence[Variant], sounds: Sequence[Sound], texts: Sequence[Text], iframes: Variant | None = None
) -> str:
    """The playlist of playlists: qualities from the smallest, sounds and subtitles as groups."""
    lines = [HEAD.rstrip(), "#EXT-X-INDEPENDENT-SEGMENTS"]
    lines += [
        (
            f'#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="sound",NAME={_quoted(sound.label)},LANGUAGE={_quoted(sound.language)},'
            f'DEFAULT={_yes(sound.is_default)},AUTOSELECT=YES,CHANNELS="{sound.channels}",'
            f'URI="{sound.name}/playlist.m3u8"'
        )
        for sound in sounds
    ]
    lines += [
        (
            f'#EXT-X-MEDIA:TYPE=SUBTITLES,GROUP-ID="texts",NAME={_quoted(text.label)},LANGUAGE={_quoted(text.language)},'
            f'DEFAULT={_yes(text.is_default)},AUTOSELECT=YES,FORCED=NO,URI="{text.address}"'
        )
        for text in texts
    ]
    sound_max = max((sound.bandwidth_max for sound in sounds), default=0)
    sound_mean = max((sound.bandwidth_mean for sound in sounds), default=0)
    for variant in variants:
        codecs = [variant.codecs, *{sound.codecs: None for sound in sounds}]
        groups = (',AUDIO="sound"' if sounds else "") + (',SUBTITLES="texts"' if texts else "")
        lines.append(
            f"#EXT-X-STREAM-INF:BANDWIDTH={variant.bandwidth_max + sound_max},"
            f"AVERAGE-BANDWIDTH={variant.bandwidth_mean + sound_mean},"
            f'CODECS="{",".join(codecs)}",RESOLUTION={variant.width}x{variant.height},'
            f"FRAME-RATE={variant.frames_per_s:.3f}{groups}"
        )
        lines.append(f"{variant.name}/playlist.m3u8")
    if iframes is not None:
        lines.append(
            f"#EXT-X-I-FRAME-STREAM-INF:BANDWIDTH={max(1, iframes.bandwidth_max)},"
            f'CODECS="{iframes.codecs}",RESOLUTION={iframes.width}x{iframes.height},URI="{iframes.name}/playlist.m3u8"'
        )
    return "\n".join(lines) + "\n"


def text_playlist(address: str, seconds: float) -> str:
    """A playlist of subtitles that are one file."""
    return (
        f"{HEAD}#EXT-X-TARGETDURATION:{max(1, math.ceil(seconds))}\n#EXT-X-MEDIA-SEQUENCE:0\n#EXT-X-PLAYLIST-TYPE:VOD\n"
        f"#EXTINF:{seconds:.6f},\n{address}\n#EXT-X-ENDLIST\n"
    )


def bandwidths(bytes_and_seconds: Sequence[tuple[int, Fraction]]) -> tuple[int, int]:
    """Greatest and mean bits a second of segments."""
    if not bytes_and_seconds:
        return 0, 0
    peak = max(int(size * 8 / seconds) for size, seconds in bytes_and_seconds if seconds > 0)
    total = sum(seconds for _, seconds in bytes_and_seconds)
    return peak, int(sum(size for size, _ in bytes_and_seconds) * 8 / total)


def _quoted(text: str) -> str:
    """A quoted string, which can hold neither a quote nor a line's end."""
    return '"' + "".join("'" if letter == '"' else letter for letter in text if letter.isprintable()) + '"'


def _yes(value: bool) -> str:
    return "YES" if value else "NO"

"""Playlists (RFC 8216), from the rows of an edition: subtitles that came later are in, and what is being made plays.

They hold no secret. A key's address opens nothing without a playback (playback/giving.py).
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Any

from mutoscope.platform.videos.domain.places import PLAYLIST, key_path
from mutoscope.platform.videos.models import AudioTrack, Edition, KeyPeriod, Piece, Rendition, Subtitle

VERSION = 7
AUDIO_GROUP = "audio"
SUBTITLE_GROUP = "subtitles"


def multivariant(edition: Edition, subtitles: Sequence[Subtitle]) -> str | None:
    """The playlist of playlists; None where nothing can be played yet. Four queries."""
    made = set(Piece.objects.filter(edition=edition).values_list("stream", flat=True))
    renditions = [rendition for rendition in edition.renditions.all() if rendition.name in made]
    tracks = [track for track in edition.audio_tracks.all() if track.name in made]
    if not renditions:
        return None
    lines = ["#EXTM3U", f"#EXT-X-VERSION:{VERSION}", "#EXT-X-INDEPENDENT-SEGMENTS"]
    lines += [_audio(track, is_default) for track, is_default in _with_default(tracks)]
    lines += [_subtitle(edition, subtitle) for subtitle in subtitles]
    for rendition in sorted(renditions, key=lambda each: (each.height, each.bandwidth_max)):
        lines += _variant(rendition, tracks, has_subtitles=bool(subtitles))
    return "\n".join(lines) + "\n"


def media(edition: Edition, stream: str) -> str | None:
    """The playlist of one rendition or sound track; None where it has no segment yet. Three or four queries."""
    track: Rendition | AudioTrack | None = edition.renditions.filter(name=stream).first()
    track = track or edition.audio_tracks.filter(name=stream).first()
    if track is None:
        return None
    segments = _segments(Piece.objects.filter(edition=edition, stream=stream).order_by("first_number"))
    if not segments:
        return None
    keys = dict(KeyPeriod.objects.filter(edition=edition).values_list("number", "public_id"))
    durations = [ticks / track.timescale for _, ticks, *_ in segments]
    is_whole = edition.whole_at is not None
    lines = [
        "#EXTM3U",
        f"#EXT-X-VERSION:{VERSION}",
        f"#EXT-X-TARGETDURATION:{math.ceil(max(durations))}",
        f"#EXT-X-PLAYLIST-TYPE:{'VOD' if is_whole else 'EVENT'}",
        "#EXT-X-INDEPENDENT-SEGMENTS",
        # Before the first key: it is in the clear.
        f'#EXT-X-MAP:URI="{_name(track.init_file)}"',
    ]
    for (file, _, _, iv, _, key_number), duration in zip(segments, durations, strict=True):
        lines += [
            f'#EXT-X-KEY:METHOD=AES-128,URI="{key_path(keys[key_number])}",IV=0x{iv}',
            f"#EXTINF:{duration:.6f},",
            _name(file),
        ]
    if is_whole:
        lines.append("#EXT-X-ENDLIST")
    return "\n".join(lines) + "\n"


def subtitle_playlist(file: str, duration_ms: int) -> str:
    """The playlist of a WebVTT file, which is one segment as long as the film."""
    seconds = max(1, duration_ms) / 1000
    head = ["#EXTM3U", f"#EXT-X-VERSION:{VERSION}", f"#EXT-X-TARGETDURATION:{math.ceil(seconds)}"]
    return "\n".join([*head, "#EXT-X-PLAYLIST-TYPE:VOD", f"#EXTINF:{seconds:.3f},", _name(file), "#EXT-X-ENDLIST", ""])


def _segments(pieces: Iterable[Piece]) -> list[list[Any]]:
    """The segments of consecutive pieces from the first on: what comes after a gap is not there yet."""
    segments: list[list[Any]] = []
    following: int | None = None
    for piece in pieces:
        if following is not None and piece.first_number != following:
            break
        segments += piece.segments
        following = piece.first_number + len(piece.segments)
    return segments


def _with_default(tracks: Sequence[AudioTrack]) -> Iterable[tuple[AudioTrack, bool]]:
    """Exactly one is the default: the one that says so first, else the first."""
    default = next((track for track in tracks if track.is_default), tracks[0] if tracks else None)
    return [(track, track is default) for track in tracks]


def _audio(track: AudioTrack, is_default: bool) -> str:
    chosen = "YES" if is_default else "NO"
    return (
        f'#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="{AUDIO_GROUP}",NAME="{_quoted(track.label)}",LANGUAGE="{_quoted(track.language)}",'
        f'DEFAULT={chosen},AUTOSELECT=YES,CHANNELS="{track.channels}",URI="{track.name}/{PLAYLIST}"'
    )


def _subtitle(edition: Edition, subtitle: Subtitle) -> str:
    chosen = "YES" if subtitle.is_default else "NO"
    stem = _name(subtitle.file).rsplit(".", 1)[0]
    return (
        f'#EXT-X-MEDIA:TYPE=SUBTITLES,GROUP-ID="{SUBTITLE_GROUP}",NAME="{_quoted(subtitle.label)}",'
        f'LANGUAGE="{_quoted(subtitle.language)}",DEFAULT={chosen},AUTOSELECT=YES,FORCED=NO,URI="../subtitles/{stem}.m3u8"'
    )


def _variant(rendition: Rendition, tracks: Sequence[AudioTrack], *, has_subtitles: bool) -> list[str]:
    sound_max = max((track.bandwidth_max for track in tracks), default=0)
    sound_mean = max((track.bandwidth_mean for track in tracks), default=0)
    codecs = ",".join(dict.fromkeys([rendition.codecs, *(track.codecs for track in tracks)]))
    attributes = [
        f"BANDWIDTH={max(1, rendition.bandwidth_max + sound_max)}",
        f"AVERAGE-BANDWIDTH={max(1, rendition.bandwidth_mean + sound_mean)}",
        f'CODECS="{codecs}"',
        f"RESOLUTION={rendition.width}x{rendition.height}",
        f"FRAME-RATE={rendition.frame_num / max(1, rendition.frame_den):.3f}",
    ]
    if tracks:
        attributes.append(f'AUDIO="{AUDIO_GROUP}"')
    if has_subtitles:
        attributes.append(f'SUBTITLES="{SUBTITLE_GROUP}"')
    return [f"#EXT-X-STREAM-INF:{','.join(attributes)}", f"{rendition.name}/{PLAYLIST}"]


def _quoted(text: str) -> str:
    """A text as a quoted-string, which knows no escapes: RFC 8216, section 4.2."""
    return "".join("'" if letter == '"' else " " if letter in "\r\n" else letter for letter in text)


def _name(file: object) -> str:
    """A file's name beside its playlist."""
    return str(file).rsplit("/", 1)[-1]

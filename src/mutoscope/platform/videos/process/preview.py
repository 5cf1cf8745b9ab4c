"""Playlists from rows: of an edition that is still being made, and with subtitles that came after it was packaged."""

from __future__ import annotations

from itertools import takewhile

from mutoscope.platform.videos.domain import playlists
from mutoscope.platform.videos.domain.places import IFRAMES, key_path
from mutoscope.platform.videos.models import Edition, Subtitle
from mutoscope.platform.videos.process.finishing import entries_of, renditions_in_order, sound_of, variant_of
from mutoscope.platform.videos.process.segments import Segment


class NothingYet(Exception):
    """No segment of this stream is there yet."""


def multivariant(edition: Edition) -> str:
    """The playlist of playlists, of the streams that have a segment by now. Raises NothingYet.

    Subtitles are named `subtitles/{id}.m3u8`, beside it. Five queries.
    """
    begun = set(edition.pieces.filter(first_number=0).values_list("stream", flat=True))
    variants = [variant_of(row) for row in renditions_in_order(edition) if row.name in begun]
    sounds = [sound_of(row) for row in edition.audio_tracks.order_by("id") if row.name in begun]
    texts = [text_of(row) for row in Subtitle.objects.filter(video=edition.video_id)]
    if not variants:
        raise NothingYet
    iframes = None
    if edition.whole_at is not None:
        first = variants[0]
        iframes = playlists.Variant(IFRAMES, first.codecs, first.width, first.height, 1.0, first.bandwidth_max, 0)
    return playlists.multivariant_playlist(variants, sounds, texts, iframes)


def media(edition: Edition, stream: str) -> str:
    """The playlist of one stream: what is there without a gap from the beginning. Raises NothingYet. Three queries."""
    row = (
        edition.renditions.filter(name=stream).first() or edition.audio_tracks.filter(name=stream).first()
    )  # fmt: skip
    if row is None:
        raise NothingYet
    numbered: dict[int, Segment] = {}
    for piece in edition.pieces.filter(stream=stream).order_by("first_number"):
        numbered.update({piece.first_number + at: Segment.of(segment) for at, segment in enumerate(piece.segments)})
    found = [numbered[number] for number in takewhile(numbered.__contains__, range(len(numbered)))]
    if not found:
        raise NothingYet
    addresses = {period.number: key_path(period.public_id) for period in edition.key_periods.all()}
    return playlists.media_playlist(
        entries_of(found, row.timescale), row.init_file, addresses, is_whole=edition.whole_at is not None
    )


def subtitles(subtitle: Subtitle, edition: Edition) -> str:
    """The playlist of subtitles, which are one file: `{id}.vtt`, beside it."""
    return playlists.text_playlist(f"{subtitle.pk}.vtt", edition.duration_ms / 1000)


def text_of(subtitle: Subtitle) -> playlists.Text:
    return playlists.Text(f"subtitles/{subtitle.pk}.m3u8", subtitle.language, subtitle.label, subtitle.is_default)

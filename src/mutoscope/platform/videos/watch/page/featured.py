"""The film that the home page opens with."""

from __future__ import annotations

from dataclasses import dataclass
from zlib import crc32

from mutoscope.platform.videos.domain.places import edition_folder
from mutoscope.platform.videos.models import Video
from mutoscope.platform.videos.watch.cards import TONES, address, file_address, length


@dataclass(frozen=True)
class Featured:
    title: str
    href: str
    channel: str
    length: str
    cover: str
    trailer: str
    tone: int


def featured_film(film: Video) -> Featured:
    """What the stage shows of a film that was loaded with its channel and cover. One query."""
    edition = film.edition
    folder = edition_folder(film.public_id, edition.token) if edition else ""
    return Featured(
        title=film.title,
        href=address(film),
        channel=film.channel.title,
        length=length(film.duration_ms),
        cover=file_address(film.cover.file) if film.cover else "",
        trailer=file_address(f"{folder}/{edition.trailer_file}") if edition and edition.trailer_file else "",
        tone=crc32(film.public_id.encode()) % TONES + 1,
    )

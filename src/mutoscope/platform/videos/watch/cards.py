"""Films as cards: on the home page, on a channel's page, in a history."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from zlib import crc32

from django.urls import reverse

from mutoscope.platform.videos.domain.life import VideoState
from mutoscope.platform.videos.domain.places import edition_folder
from mutoscope.platform.videos.models import Sprite, Video
from mutoscope.platform.videos.watch.ports import CardNote, card_notes

TONES = 8


@dataclass(frozen=True)
class Preview:
    """A sheet of small pictures that a card shows one after the other while a pointer rests on it."""

    url: str
    columns: int
    rows: int
    tiles: int


@dataclass(frozen=True)
class FilmCard:
    """What components/film_card.html shows."""

    title: str
    href: str
    channel: str
    length: str
    cover: str
    tone: int
    points: int | None
    unlocked_for: str
    is_free: bool
    is_in_bundle: bool
    """Sold in a bundle only."""
    preview: Preview | None
    seen_percent: int | None = None


def film_cards(films: Sequence[Video], person_id: int | None, seen: Mapping[int, int] | None = None) -> list[FilmCard]:
    """Cards of films that were loaded with channel and cover; `seen` holds positions in milliseconds by film.

    One query for the previews, and the seller's for the prices.
    """
    if not films:
        return []
    notes = card_notes.get()(person_id, films)
    previews = _previews(films)
    positions = seen or {}
    return [
        _card(film, notes.get(film.pk, CardNote()), previews.get(film.edition_id), positions.get(film.pk))
        for film in films
    ]


def _card(film: Video, note: CardNote, preview: Preview | None, position_ms: int | None) -> FilmCard:
    return FilmCard(
        title=film.title,
        href=address(film),
        channel=film.channel.title,
        length=length(film.duration_ms),
        cover=file_address(film.cover.file) if film.cover else "",
        tone=crc32(film.public_id.encode()) % TONES + 1,
        points=note.points,
        unlocked_for=note.unlocked_for,
        is_free=film.is_free,
        is_in_bundle=note.is_in_bundle,
        preview=preview,
        seen_percent=None if position_ms is None else round(100 * position_ms / max(1, film.duration_ms or 1)),
    )


def covers_of(video_ids: Sequence[int]) -> dict[int, str]:
    """The addresses of the covers of those of these films that lists show, by the film's id. One query."""
    shown = Video.objects.filter(pk__in=video_ids, state=VideoState.PUBLISHED, cover__isnull=False)
    return {film.pk: file_address(film.cover.file) for film in shown.select_related("cover") if film.cover}


def _previews(films: Iterable[Video]) -> dict[int | None, Preview]:
    folders = {film.edition_id: film.public_id for film in films if film.edition_id is not None}
    sheets = Sprite.objects.filter(edition_id__in=folders, number=0).select_related("edition")
    return {
        sheet.edition_id: Preview(
            file_address(f"{edition_folder(folders[sheet.edition_id], sheet.edition.token)}/{sheet.file}"),
            sheet.columns,
            sheet.rows,
            sheet.tiles,
        )
        for sheet in sheets
    }


def address(film: Video) -> str:
    """The film's canonical address on this site."""
    slug = film.slug()
    return reverse("watch-slug", args=[film.public_id, slug]) if slug else reverse("watch", args=[film.public_id])


def file_address(name: str) -> str:
    """The address of a file in the storage "films", whose first folder is the film's public id."""
    public_id, _, path = name.partition("/")
    return reverse("film-file", args=[public_id, path])


def length(duration_ms: int | None) -> str:
    """A film's length as cards say it: "11 min", or "20 s" below a minute; one second at least. Begun seconds are not counted, as by the player."""
    seconds = max(1, (duration_ms or 0) // 1000)
    return f"{seconds} s" if seconds < 60 else f"{round(seconds / 60)} min"

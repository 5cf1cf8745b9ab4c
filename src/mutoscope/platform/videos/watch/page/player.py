"""What the player is told: on the film's page and where it is embedded."""

from __future__ import annotations

from typing import Any

from django.templatetags.static import static
from django.urls import reverse

from mutoscope.platform.videos.domain.chapters import Chapter, clock
from mutoscope.platform.videos.domain.places import SPRITE_MAP
from mutoscope.platform.videos.domain.rights import Answer
from mutoscope.platform.videos.models import Sprite, Video
from mutoscope.platform.videos.statements import fetch
from mutoscope.platform.videos.watch.cards import address, file_address


def player_context(
    film: Video, answer: Answer, chapters: tuple[Chapter, ...], *, person_id: int | None, start_ms: int | None
) -> dict[str, Any]:
    """The context of player.html: where things are, and the little that the script has to know."""
    edition = film.edition or film.next_edition
    assert edition is not None
    folder = f"{film.public_id}/{edition.token}"
    has_map = Sprite.objects.filter(edition=edition).exists()
    position_ms = _position_ms(film, person_id) if answer.is_yes() and person_id is not None else None
    known_start_ms = start_ms if start_ms is not None else position_ms
    return {
        "cover": file_address(film.cover.file) if film.cover else "",
        "trailer": file_address(f"{folder}/{edition.trailer_file}") if edition.trailer_file else "",
        "sprite_map": file_address(f"{folder}/{SPRITE_MAP}") if has_map else "",
        "chapters_map": reverse("watch-chapters", args=[film.public_id]) if chapters else "",
        "goes_on_at": clock(known_start_ms) if known_start_ms else "",
        "player_config": {
            "begin": reverse("playback-begin", args=[film.public_id]),
            "playbacks": "/playbacks/",
            "keys": "/keys/",
            "worker": static("vendor/hls.worker.js"),
            "start_ms": start_ms,
            "address": address(film),
        },
    }


def _position_ms(film: Video, person_id: int) -> int | None:
    rows = fetch("watch/progress", "position", {"person_id": person_id, "video_id": film.pk})
    return rows[0][0] if rows else None

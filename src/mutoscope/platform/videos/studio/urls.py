"""Addresses of the studio's pages about films."""

from __future__ import annotations

from django.urls import URLPattern, path, register_converter

from mutoscope.platform.videos.domain.places import ALPHABET, PUBLIC_ID_LENGTH
from mutoscope.platform.videos.studio import endpoints


class PublicId:
    """A video's public id, and nothing that only looks like one."""

    regex = f"[{ALPHABET}]{{{PUBLIC_ID_LENGTH}}}"

    def to_python(self, value: str) -> str:
        return value

    def to_url(self, value: str) -> str:
        return value


register_converter(PublicId, "video")

FILM = "studio/films/<video:public_id>/"
urlpatterns: list[URLPattern] = [
    path("studio/", endpoints.studio, name="studio"),
    path("studio/rows/", endpoints.rows, name="studio-rows"),
    path(FILM, endpoints.film, name="studio-film"),
    path(f"{FILM}files/", endpoints.files, name="studio-files"),
    path(f"{FILM}standing/", endpoints.standing, name="studio-standing"),
    path(f"{FILM}show/", endpoints.show, name="studio-show"),
    path(f"{FILM}retry/", endpoints.retry, name="studio-retry"),
    path(f"{FILM}discard/", endpoints.discard, name="studio-discard"),
    path(f"{FILM}cover/", endpoints.cover, name="studio-cover"),
    path(f"{FILM}covers/<int:number>.jpg", endpoints.cover_picture, name="studio-cover-picture"),
    path(f"{FILM}trailer/", endpoints.trailer, name="studio-trailer"),
    path(f"{FILM}subtitles/", endpoints.subtitles, name="studio-subtitles"),
    path(f"{FILM}subtitles/<int:number>/remove/", endpoints.subtitles_remove, name="studio-subtitles-remove"),
]

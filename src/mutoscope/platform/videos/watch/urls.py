"""Addresses of watching."""

from __future__ import annotations

from django.urls import URLPattern, path, re_path

from mutoscope.platform.videos.domain.places import PUBLIC_ID, TOKEN
from mutoscope.platform.videos.watch.embed import endpoints as embed
from mutoscope.platform.videos.watch.files import endpoints as files
from mutoscope.platform.videos.watch.page import endpoints as page
from mutoscope.platform.videos.watch.playback import endpoints as playback
from mutoscope.platform.videos.watch.progress import endpoints as progress

FILM = rf"(?P<public_id>{PUBLIC_ID.pattern})"

# What a player asks for all the time: for the front of the site's addresses, which Django tries one after the other.
of_the_player: list[URLPattern] = [
    re_path(rf"^keys/(?P<key_id>{TOKEN.pattern})$", playback.key, name="key"),
    re_path(rf"^films/{FILM}/(?P<path>[A-Za-z0-9._/-]+)$", files.film_file, name="film-file"),
    re_path(rf"^playbacks/(?P<token>{TOKEN.pattern})/beats$", playback.beat, name="playback-beat"),
]

urlpatterns: list[URLPattern] = [
    re_path(rf"^watch/{FILM}/?$", page.show, name="watch"),
    re_path(rf"^watch/{FILM}/(?P<slug>[a-z0-9_-]{{1,120}})/?$", page.show, name="watch-slug"),
    re_path(rf"^watch/{FILM}/chapters\.vtt$", page.chapters, name="watch-chapters"),
    re_path(rf"^playbacks/of/{FILM}$", playback.begin, name="playback-begin"),
    re_path(rf"^embed/{FILM}$", embed.show, name="embed"),
    path("oembed", embed.oembed, name="oembed"),
    path("history/", progress.history, name="history"),
    path("history/choice/", progress.choose, name="history-choice"),
    path("history/clear/", progress.clear, name="history-clear"),
    re_path(rf"^history/{FILM}/forget/$", progress.forget, name="history-forget"),
]

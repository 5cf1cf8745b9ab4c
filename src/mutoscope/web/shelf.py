"""The films of a channel, for its public page: what accounts asks for, drawn with what videos offers."""

from __future__ import annotations

from django.http import HttpRequest
from django.template.loader import render_to_string

from mutoscope.platform.accounts.public import Channel
from mutoscope.platform.videos.public import film_cards, videos_of_channel

FILMS_SHOWN = 60


def films_of_channel(request: HttpRequest, channel: Channel) -> str:
    person_id = request.user.pk if request.user.is_authenticated else None
    films = film_cards(videos_of_channel(channel.pk, FILMS_SHOWN), person_id)
    return render_to_string("parts/channel_films.html", {"films": films}, request)

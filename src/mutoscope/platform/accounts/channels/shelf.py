"""The films on a channel's page. Channels know nothing of films: `web` binds what draws them."""

from __future__ import annotations

from typing import Protocol

from django.http import HttpRequest
from django.template.loader import render_to_string

from mutoscope.engines.services import Socket
from mutoscope.platform.accounts.models import Channel


class ChannelShelf(Protocol):
    """What a channel shows on its public page below its head: sections of HTML."""

    def __call__(self, request: HttpRequest, channel: Channel, /) -> str: ...


def empty_shelf(request: HttpRequest, channel: Channel) -> str:
    return render_to_string("accounts/channels/empty_shelf.html", {}, request)


channel_shelf: Socket[ChannelShelf] = Socket(empty_shelf)

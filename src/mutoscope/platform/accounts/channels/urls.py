"""Addresses of the channel pages."""

from __future__ import annotations

from django.urls import URLPattern, path, re_path

from mutoscope.platform.accounts.channels import endpoints

urlpatterns: list[URLPattern] = [
    re_path(r"^@(?P<handle>[A-Za-z0-9_-]{1,40})$", endpoints.show, name="channel"),
    path("studio/channel/", endpoints.edit_channel, name="channel-edit"),
    path("studio/channel/open/", endpoints.open_channel, name="channel-open"),
    # The only folder of the media directory that has an address: what else lies there stays there.
    re_path(r"^media/avatars/(?P<name>[a-z0-9_-]{2}/[A-Za-z0-9_-]{20,40}\.webp)$", endpoints.avatar, name="avatar"),
]

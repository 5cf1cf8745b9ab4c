"""Addresses of uploads."""

from __future__ import annotations

from django.urls import URLPattern, path, re_path

from mutoscope.platform.videos.upload import endpoints

urlpatterns: list[URLPattern] = [
    path("uploads/", endpoints.uploads, name="uploads"),
    re_path(r"^uploads/(?P<token>[a-z0-9]{24})$", endpoints.upload, name="upload"),
]

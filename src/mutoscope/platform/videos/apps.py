from __future__ import annotations

from django.apps import AppConfig


class VideosConfig(AppConfig):
    name = "mutoscope.platform.videos"
    label = "videos"
    verbose_name = "Films"

from __future__ import annotations

from django.apps import AppConfig


class VideosConfig(AppConfig):
    name = "mutoscope.platform.videos"
    label = "videos"
    verbose_name = "Films"

    def ready(self) -> None:
        from mutoscope.platform.videos.process import pipeline  # noqa: F401 - declares the pipeline
        from mutoscope.platform.videos.upload import tasks  # noqa: F401 - declares its schedule
        from mutoscope.platform.videos.watch.progress import tasks as watch_tasks  # noqa: F401 - declares its schedule

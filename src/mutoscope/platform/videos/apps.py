from __future__ import annotations

from django.apps import AppConfig


class VideosConfig(AppConfig):
    name = "mutoscope.platform.videos"
    label = "videos"
    verbose_name = "Films"

    def ready(self) -> None:
        from mutoscope.platform.accounts.public import OPERATOR, SUPPORT, add_rights
        from mutoscope.platform.videos.process import pipeline, sweeping  # noqa: F401 - declare the pipeline, a schedule
        from mutoscope.platform.videos.removal import tasks as removal_tasks  # noqa: F401 - declares its task
        from mutoscope.platform.videos.upload import tasks  # noqa: F401 - declares its schedule
        from mutoscope.platform.videos.watch.progress import tasks as watch_tasks  # noqa: F401 - declares its schedule

        add_rights(OPERATOR, "videos.view_video", "videos.change_video")
        add_rights(SUPPORT, "videos.view_video")

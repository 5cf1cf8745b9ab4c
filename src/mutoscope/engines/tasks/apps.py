from __future__ import annotations

from django.apps import AppConfig
from django.core import checks
from django.utils.module_loading import autodiscover_modules


class TasksConfig(AppConfig):
    name = "mutoscope.engines.tasks"
    label = "tasks"
    verbose_name = "Tasks"

    def ready(self) -> None:
        from mutoscope.engines.tasks.queue.checks import check_tasks

        checks.register(check_tasks)
        # Schedules and pipelines are declared beside the code they run, in each app's tasks.py and pipelines.py.
        autodiscover_modules("tasks", "pipelines")

        from mutoscope.engines.tasks.pipelines.pipeline import check_pipelines

        checks.register(check_pipelines)

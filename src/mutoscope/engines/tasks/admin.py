"""Registers the pages of the queue and of pipelines, where Django's admin is installed."""

from __future__ import annotations

from mutoscope.engines.tasks.pipelines import admin as pipelines_admin
from mutoscope.engines.tasks.queue import admin as queue_admin

__all__ = ["pipelines_admin", "queue_admin"]

"""Every table of the app, for Django to find."""

from __future__ import annotations

from mutoscope.engines.tasks.pipelines.models import Run, UnitRecord
from mutoscope.engines.tasks.queue.models import (
    FinishedTask,
    LiveTask,
    QueueSettings,
    ScheduleRecord,
    Slot,
    WorkerRecord,
)

__all__ = ["FinishedTask", "LiveTask", "QueueSettings", "Run", "ScheduleRecord", "Slot", "UnitRecord", "WorkerRecord"]

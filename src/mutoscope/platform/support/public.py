"""The one door into support. Other contexts, and the worker, import this and nothing else."""

from __future__ import annotations

from mutoscope.platform.support.leaving import KeptMail
from mutoscope.platform.support.mail.delivery import deliver_waiting
from mutoscope.platform.support.mail.endpoints import outbox_is_open

__all__ = ["KeptMail", "deliver_waiting", "outbox_is_open"]

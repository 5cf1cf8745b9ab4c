"""The database for the length of one command."""

from __future__ import annotations

import contextlib

from django.conf import settings


def database_running() -> contextlib.AbstractContextManager[None]:
    """The embedded server, used where it runs and started for the block where it does not; nothing with DATABASE_URL."""
    server = settings.EMBEDDED_SERVER
    return server.running() if server is not None else contextlib.nullcontext()

"""The end of a story: every page is left, and the site has answered everything, before the database is emptied.

A page that played a film says good-bye as it goes. What is then still being written would meet the emptying of the tables.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from django.core.signals import request_finished, request_started
from django.utils import timezone
from playwright.sync_api import BrowserContext

from mutoscope.platform.videos.watch.models import Playback

PATIENCE_S = 60


class Requests:
    """How many requests the site is answering."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.under_way = 0

    def started(self, **_: Any) -> None:
        with self.lock:
            self.under_way += 1

    def finished(self, **_: Any) -> None:
        with self.lock:
            self.under_way -= 1


@contextmanager
def answered_in_the_end() -> Iterator[None]:
    """Leaves the block when every request that began within it has been answered."""
    requests = Requests()
    request_started.connect(requests.started)
    request_finished.connect(requests.finished)
    try:
        yield
        wait_until(lambda: requests.under_way <= 0)
    finally:
        request_started.disconnect(requests.started)
        request_finished.disconnect(requests.finished)


def leave(contexts: list[BrowserContext]) -> None:
    """Leave every page of these windows, so that each says its good-bye, and close them when it was heard: a closed window takes
    along what it had not sent."""
    for context in contexts:
        for page in context.pages:
            page.goto("about:blank")
    wait_until(good_byes_were_heard)
    for context in contexts:
        context.close()


def good_byes_were_heard() -> bool:
    return not Playback.objects.filter(ended_at=None, expires_at__gt=timezone.now()).exists()


def wait_until(holds: Callable[[], bool]) -> None:
    """Wait for a condition, not for ever: whoever never said good-bye is no failure of the story."""
    deadline = time.monotonic() + PATIENCE_S
    while not holds() and time.monotonic() < deadline:
        time.sleep(0.02)

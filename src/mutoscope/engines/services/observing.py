"""Hooks around services and their steps, for timing and logs. Without an observer they cost one look at an empty tuple."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Iterator
from typing import Protocol

from mutoscope.engines.services.failures import Failure

logger = logging.getLogger("mutoscope.services")


class Observer(Protocol):
    """Told about every step and every call, after it ended. `error` is what it raised, a Failure or a bug."""

    def step_finished(self, service: type, step: str, elapsed_ns: int, error: BaseException | None) -> None: ...

    def call_finished(self, service: type, elapsed_ns: int, error: BaseException | None) -> None: ...


# Replaced as a whole, never changed in place, so that a call which is running keeps the observers it began with.
_observers: tuple[Observer, ...] = ()


def observers() -> tuple[Observer, ...]:
    """Whoever watches now."""
    return _observers


def add_observer(observer: Observer) -> None:
    """Watch every service of this process from now on."""
    global _observers  # noqa: PLW0603 - a process has one set of observers
    _observers = (*_observers, observer)


def remove_observer(observer: Observer) -> None:
    """Stop watching."""
    global _observers  # noqa: PLW0603 - as above
    _observers = tuple(known for known in _observers if known is not observer)


@contextlib.contextmanager
def observing(observer: Observer) -> Iterator[None]:
    """Watch every service of this process for the length of the block."""
    add_observer(observer)
    try:
        yield
    finally:
        remove_observer(observer)


class LogObserver:
    """Writes one line per call, with an `action` to search for; steps only at DEBUG. Inputs are never logged."""

    def step_finished(self, service: type, step: str, elapsed_ns: int, error: BaseException | None) -> None:
        self._write(logging.DEBUG, "service.step", f"{service.__name__}.{step}", elapsed_ns, error)

    def call_finished(self, service: type, elapsed_ns: int, error: BaseException | None) -> None:
        level = logging.INFO if error is None or isinstance(error, Failure) else logging.ERROR
        self._write(level, "service.call", service.__name__, elapsed_ns, error)

    def _write(self, level: int, action: str, name: str, elapsed_ns: int, error: BaseException | None) -> None:
        outcome = "done" if error is None else type(error).__name__
        extra = {"action": action, "service": name, "outcome": outcome, "elapsed_us": elapsed_ns // 1000}
        logger.log(level, "%s %s in %d us", name, outcome, elapsed_ns // 1000, extra=extra)

"""Signals of the tasks API, without their cost where nobody listens."""

from __future__ import annotations

import inspect
import logging
from typing import Any

from asgiref.sync import async_to_sync
from django.dispatch import Signal

from mutoscope.engines.tasks.compat import API_LOGGER, task_enqueued, task_started

_API_LOG = logging.getLogger(API_LOGGER)
_LOG_LEVELS = {id(task_enqueued): logging.DEBUG, id(task_started): logging.INFO}


def someone_listens(signal: Signal, sender: type[Any], *, failed: bool = False) -> bool:
    """Whether sending this signal would do anything.

    The tasks API connects a receiver of its own to each signal that only writes a line to its log. Where that line would
    not be written, building a TaskResult for it is work for nothing.
    """
    connected = signal.receivers
    if not connected:
        return False
    # Asked twice for every task, so the answer is kept until a receiver comes or goes.
    state = (len(connected), connected[-1][0], sender)
    known = _KNOWN.get(id(signal))
    if known is None or known[0] != state:
        receivers = _receivers(signal, sender)
        others = any(getattr(receiver, "__module__", "") != _SIGNALS_MODULE for receiver in receivers)
        known = _KNOWN[id(signal)] = (state, bool(receivers), others)
    _, someone, others = known
    if not someone:
        return False
    return others or failed or _API_LOG.isEnabledFor(_LOG_LEVELS.get(id(signal), logging.INFO))


def tell(signal: Signal, sender: type[Any], result: Any, *, quietly: bool = False) -> list[tuple[Any, Any]]:
    """As the signal's own send_robust. Quietly, the tasks API's own receiver is left out: of all that failed it writes an error."""
    if not quietly:
        return signal.send_robust(sender=sender, task_result=result)
    answers: list[tuple[Any, Any]] = []
    for receiver in _receivers(signal, sender):
        if getattr(receiver, "__module__", "") == _SIGNALS_MODULE:
            continue
        call: Any = async_to_sync(receiver) if inspect.iscoroutinefunction(receiver) else receiver
        try:
            answers.append((receiver, call(signal=signal, sender=sender, task_result=result)))
        except Exception as error:
            answers.append((receiver, error))
    return answers


_KNOWN: dict[int, tuple[Any, bool, bool]] = {}
_SIGNALS_MODULE = f"{API_LOGGER}.signals"


def _receivers(signal: Signal, sender: type[Any]) -> list[Any]:
    live: Any = signal._live_receivers(sender)
    # Django 5 and later answer with two lists, of sync and of async receivers.
    if isinstance(live, tuple):
        return [receiver for receivers in live for receiver in receivers]
    return list(live)

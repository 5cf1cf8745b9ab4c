"""Ending with the process that started us, even when that one is killed and can tell nobody."""

from __future__ import annotations

import ctypes
import os
import signal

PR_SET_PDEATHSIG = 1
PARENT_VARIABLE = "MUTOSCOPE_SUPERVISOR"


def stop_with_parent(stop_signal: signal.Signals = signal.SIGTERM) -> None:
    """Ask the kernel to send `stop_signal` to this process when the one that started it ends. Linux only."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, stop_signal)


def is_supervised() -> bool:
    """Whether `mutoscope up` started this process."""
    return PARENT_VARIABLE in os.environ


def stop_with_supervisor() -> None:
    """The same, in a process that `mutoscope up` started; elsewhere nothing."""
    supervisor = os.environ.get(PARENT_VARIABLE)
    if supervisor is None:
        return
    stop_with_parent()
    if os.getppid() != int(supervisor):
        # It ended before the kernel knew of our wish.
        os.kill(os.getpid(), signal.SIGTERM)

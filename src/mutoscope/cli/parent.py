"""Ending with the process that started us, even when that one is killed and can tell nobody."""

from __future__ import annotations

import ctypes
import os
import signal

PR_SET_PDEATHSIG = 1
PARENT_VARIABLE = "MUTOSCOPE_SUPERVISOR"


def stop_with_parent(parent: int) -> None:
    """Ask the kernel to send SIGTERM to this process when `parent`, the process that started it, ends. Linux only."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
    if os.getppid() != parent:
        # It ended before the kernel knew of our wish.
        os.kill(os.getpid(), signal.SIGTERM)


def is_supervised() -> bool:
    """Whether `mutoscope up` started this process."""
    return PARENT_VARIABLE in os.environ


def stop_with_supervisor() -> None:
    """The same, in a process that `mutoscope up` started; elsewhere nothing."""
    supervisor = os.environ.get(PARENT_VARIABLE)
    if supervisor is not None:
        stop_with_parent(int(supervisor))

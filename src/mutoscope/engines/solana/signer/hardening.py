"""What keeps a seed in this process's memory from ending elsewhere: no core dump, no debugger, no new privileges."""

from __future__ import annotations

import ctypes
import resource

PR_SET_DUMPABLE = 4
PR_SET_NO_NEW_PRIVS = 38


def harden() -> None:
    """Before the first key is read. Inherited by children, but for being undumpable, which `harden` sets again there."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    libc = ctypes.CDLL(None, use_errno=True)
    for option, value in ((PR_SET_DUMPABLE, 0), (PR_SET_NO_NEW_PRIVS, 1)):
        if libc.prctl(option, value, 0, 0, 0) != 0:
            raise OSError(ctypes.get_errno(), f"prctl({option}) is not possible here")

"""The last steps before an untrusted program, where there is no bubblewrap: limits, Landlock, the filter, then the program.

Run by its path with `python -S -E`, so that it starts in about 10 ms; imports nothing but the standard library and its two
neighbours.
"""

from __future__ import annotations

import ctypes
import json
import os
import resource
import signal
import sys

# Found beside this file: it is run by its path.
import landlock  # type: ignore[import-not-found]
import seccomp  # type: ignore[import-not-found]
from exit_codes import EXIT_NO_WALL  # type: ignore[import-not-found]

PR_SET_PDEATHSIG = 1
PR_SET_NO_NEW_PRIVS = 38
PR_SET_SECCOMP = 22
SECCOMP_MODE_FILTER = 2


class FilterProgram(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("code", ctypes.c_char_p))


def main() -> None:
    request = json.loads(sys.argv[1])
    argv = request["argv"]
    try:
        libc = ctypes.CDLL(None, use_errno=True)
        libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != request["parent"]:
            sys.exit(EXIT_NO_WALL)
        for name, (soft, hard) in request["limits"].items():
            resource.setrlimit(getattr(resource, name), (soft, hard))
        if request["landlock"]:
            landlock.restrict(request["readable"], request["writable"])
        else:
            libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
        code = seccomp.program(processes=request["processes"])
        install = FilterProgram(len(code) // 8, code)
        if libc.prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, ctypes.byref(install)) != 0:
            raise OSError(ctypes.get_errno(), "the filter of system calls was refused")
        # Python ignores these two, and what is ignored stays ignored in the program.
        for ignored in (signal.SIGPIPE, signal.SIGXFSZ):
            signal.signal(ignored, signal.SIG_DFL)
        os.execve(argv[0], argv, request["environment"])
    except OSError as error:
        os.write(2, f"sandbox: {error}\n".encode())
        os._exit(EXIT_NO_WALL)


if __name__ == "__main__":
    main()

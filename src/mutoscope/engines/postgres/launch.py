"""Start one of PostgreSQL's programs as the right user: `python launch.py '{"argv": [...], ...}'`.

PostgreSQL refuses to run as root. Started by root, this gives up root for an ordinary user first. That user often cannot
enter a folder below root's home, so the folders it needs are mounted at a place it can reach, in a mount namespace
that only this process and its children see. No permission of any existing folder is changed.

Standard library only and run by its path, so that it starts in about 20 ms.
"""

from __future__ import annotations

import ctypes
import json
import os
import signal
import sys
from typing import Any

CLONE_NEWNS = 0x00020000
MS_BIND = 4096
MS_REC = 16384
MS_PRIVATE = 1 << 18
PR_SET_PDEATHSIG = 1

EXIT_NO_NAMESPACE = 97
EXIT_PARENT_GONE = 98


def main() -> None:
    request: dict[str, Any] = json.loads(sys.argv[1])
    libc = ctypes.CDLL(None, use_errno=True)
    try:
        if request["mounts"]:
            private_mounts(libc, request["mounts"])
    except OSError as error:
        print(f"launch: no private mount: {error}", file=sys.stderr)
        sys.exit(EXIT_NO_NAMESPACE)
    if request["uid"] is not None:
        os.setgroups([])
        os.setgid(request["gid"])
        os.setuid(request["uid"])
        os.environ["HOME"] = "/"
        os.environ.pop("XDG_RUNTIME_DIR", None)
    os.umask(0o077)
    if request["stop_with_parent"]:
        # Set after the change of user, which clears it. SIGINT is PostgreSQL's fast shutdown: it rolls open transactions
        # back, writes a checkpoint and exits, so a killed supervisor leaves a clean data directory.
        libc.prctl(PR_SET_PDEATHSIG, signal.SIGINT)
        if os.getppid() != request["parent"]:
            sys.exit(EXIT_PARENT_GONE)
    # The terminal's Ctrl-C reaches every process of the foreground group; the supervisor alone decides who stops when.
    os.setsid()
    argv: list[str] = request["argv"]
    os.execv(argv[0], argv)


def private_mounts(libc: ctypes.CDLL, mounts: list[list[str]]) -> None:
    """Bind each (source, target) so that only this process tree sees it."""

    def check(result: int, what: str) -> None:
        if result != 0:
            number = ctypes.get_errno()
            raise OSError(number, f"{what}: {os.strerror(number)}")

    check(libc.unshare(CLONE_NEWNS), "unshare")
    check(libc.mount(b"none", b"/", None, MS_REC | MS_PRIVATE, None), "making mounts private")
    for source, target in mounts:
        check(libc.mount(os.fsencode(source), os.fsencode(target), None, MS_BIND | MS_REC, None), f"binding {source}")


if __name__ == "__main__":
    main()

"""The command line that puts a program behind the walls of a level."""

from __future__ import annotations

import contextlib
import marshal
import os
import resource
import shutil
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from mutoscope.engines.sandbox import landlock, seccomp
from mutoscope.engines.sandbox.handles import closed_with, in_memory
from mutoscope.engines.sandbox.job import Limits
from mutoscope.engines.sandbox.levels import Level

LAUNCHER = Path(__file__).with_name("launch.py")
EXIT_NO_WALL = 96
"""How the launcher ends when the walls could not be put up, so that the program was not started. The reason is on standard
error."""

# What a program from Debian or from a wheel needs to start: its libraries and the loader. Neither /etc, nor /home, nor
# /var, nor another user's anything.
SYSTEM_FOLDERS = ("/usr",)
SYSTEM_LINKS = ("/lib", "/lib64", "/lib32", "/bin", "/sbin")
NOBODY = "65534"


def bubblewrap_base(bubblewrap: Path) -> list[str]:
    """A root with the system's programs alone: no network, no other process, no right, no environment."""
    command = [
        str(bubblewrap), "--unshare-all", "--unshare-user", "--uid", NOBODY, "--gid", NOBODY,
        "--die-with-parent", "--new-session", "--clearenv", "--cap-drop", "ALL", "--hostname", "sandbox",
    ]  # fmt: skip
    for folder in SYSTEM_FOLDERS:
        command += ["--ro-bind", folder, folder]
    for link in SYSTEM_LINKS:
        path = Path(link)
        if path.is_symlink():
            command += ["--symlink", str(path.readlink()), link]
        elif path.is_dir():
            command += ["--ro-bind", link, link]
    return [*command, "--proc", "/proc", "--dev", "/dev", "--tmpfs", "/tmp", "--chdir", "/tmp"]  # noqa: S108 - inside


def bubblewrap_command(
    bubblewrap: Path,
    argv: Sequence[str],
    *,
    readable: Mapping[str, Path],
    writable: Mapping[str, Path],
    limits: Limits,
    environment: Mapping[str, str],
    filter_handle: int,
) -> list[str]:
    """bwrap around prlimit around the program. `readable` and `writable` map a path inside to one outside."""
    command = bubblewrap_base(bubblewrap)
    for inside, outside in readable.items():
        command += ["--ro-bind", str(outside), inside]
    for inside, outside in writable.items():
        command += ["--bind", str(outside), inside]
    for name, value in environment.items():
        command += ["--setenv", name, value]
    # The filter is set last, after bwrap itself has needed what it refuses.
    command += ["--seccomp", str(filter_handle), "--", shutil.which("prlimit") or "/usr/bin/prlimit"]
    command += [
        f"--cpu={limits.cpu_s}:{limits.cpu_s + 1}", f"--as={limits.memory_bytes}", f"--fsize={limits.file_bytes}",
        f"--nofile={limits.open_files}", "--core=0", "--",
    ]  # fmt: skip
    return [*command, *argv]


def launcher_command(
    stack: contextlib.ExitStack,
    level: Level,
    argv: Sequence[str],
    *,
    readable: Sequence[str],
    writable: Sequence[str],
    limits: Limits | None,
    processes: bool,
    environment: Mapping[str, str] | None = None,
) -> tuple[list[str], list[int]]:
    """Our own launcher around the program, with Landlock or without, and the handles that it has to be passed.

    They close with the stack.
    """
    system = [path for path in (*SYSTEM_FOLDERS, *SYSTEM_LINKS) if Path(path).exists()]
    rules = None
    if level is Level.LANDLOCK:
        may_read = [*system, "/dev/null", "/dev/zero", "/dev/urandom", argv[0], *readable]
        rules = closed_with(stack, landlock.ruleset(may_read, [*writable, "/dev/null"]))
    code = in_memory(stack, seccomp.program(processes=processes))
    request = {
        "argv": list(argv),
        "environment": dict(environment or {}),
        "parent": os.getpid(),
        "limits": _as_numbers(limits),
        "ruleset": rules,
        "restrict_self": landlock.RESTRICT_SELF,
        "filter": code,
        "no_wall": EXIT_NO_WALL,
    }
    # In a file, since the lines of commands are open to everybody on the machine.
    asked = in_memory(stack, marshal.dumps(request))
    kept = [asked, code, *([] if rules is None else [rules])]
    return [sys.executable, "-I", "-S", str(LAUNCHER), str(asked)], kept


def _as_numbers(limits: Limits | None) -> list[tuple[int, tuple[int, int]]]:
    """Pairs of a resource's number and its soft and hard bound."""
    bounds = [(resource.RLIMIT_CORE, (0, 0))]
    if limits is not None:
        bounds += [
            (resource.RLIMIT_CPU, (limits.cpu_s, limits.cpu_s + 1)),
            (resource.RLIMIT_AS, (limits.memory_bytes, limits.memory_bytes)),
            (resource.RLIMIT_FSIZE, (limits.file_bytes, limits.file_bytes)),
            (resource.RLIMIT_NOFILE, (limits.open_files, limits.open_files)),
        ]
    return bounds

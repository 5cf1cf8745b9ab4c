"""The command line that puts a program behind the walls of a level."""

from __future__ import annotations

import json
import os
import shutil
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from mutoscope.engines.sandbox.job import Limits
from mutoscope.engines.sandbox.levels import LAUNCHER, Level

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
    level: Level,
    argv: Sequence[str],
    *,
    readable: Sequence[str],
    writable: Sequence[str],
    limits: Limits | None,
    processes: bool,
    environment: Mapping[str, str] | None = None,
) -> list[str]:
    """Our own launcher around the program, with Landlock or without."""
    bounds: dict[str, tuple[int, int]] = {"RLIMIT_CORE": (0, 0)}
    if limits is not None:
        bounds |= {
            "RLIMIT_CPU": (limits.cpu_s, limits.cpu_s + 1),
            "RLIMIT_AS": (limits.memory_bytes, limits.memory_bytes),
            "RLIMIT_FSIZE": (limits.file_bytes, limits.file_bytes),
            "RLIMIT_NOFILE": (limits.open_files, limits.open_files),
        }
    system = [path for path in (*SYSTEM_FOLDERS, *SYSTEM_LINKS) if Path(path).exists()]
    request = {
        "argv": list(argv),
        "landlock": level is Level.LANDLOCK,
        "readable": [*system, "/dev/null", "/dev/zero", "/dev/urandom", argv[0], *readable],
        "writable": [*writable, "/dev/null"],
        "limits": bounds,
        "processes": processes,
        "environment": dict(environment or {}),
        "parent": os.getpid(),
    }
    return [sys.executable, "-S", "-E", str(LAUNCHER), json.dumps(request)]

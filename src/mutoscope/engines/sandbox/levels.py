"""How well a program can be locked in on this machine, found out by trying."""

from __future__ import annotations

import contextlib
import os
import platform
import shutil
import subprocess
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from pathlib import Path

from mutoscope.engines.sandbox import landlock, seccomp

PROBE_TIMEOUT_S = 10


class Level(StrEnum):
    """From the best to the least. At each, limits are held and a killed owner takes the program with it."""

    BUBBLEWRAP = "bubblewrap"
    """A root of its own that holds the program and its inputs, no network, no other process, filtered system calls."""
    LANDLOCK = "landlock"
    """Every file and port but those named are out of reach; filtered system calls; sees the names of other processes."""
    WHITELIST = "whitelist"
    """Filtered system calls, so no network; files are held off only by what the program itself promises (ffmpeg's own
    lists of protocols and formats, the input as an open file). Not for what strangers upload."""


class NoSandbox(Exception):
    """Not even the least level works on this machine."""


@dataclass(frozen=True)
class Probe:
    """Whether one level works here, and why not."""

    level: Level
    works: bool
    reason: str = ""
    cure: str = ""


@cache
def probe_all() -> tuple[Probe, ...]:
    """Try each level once, best first."""
    return (_probe_bubblewrap(), _probe_landlock(), _probe_whitelist())


def best() -> Level:
    """The best level that works here. Raises NoSandbox."""
    for probe in probe_all():
        if probe.works:
            return probe.level
    raise NoSandbox("; ".join(f"{probe.level}: {probe.reason}" for probe in probe_all()))


@cache
def bubblewrap() -> Path | None:
    """The bwrap program, if the machine has one."""
    found = shutil.which("bwrap")
    return None if found is None else Path(found)


def _probe_bubblewrap() -> Probe:
    program = bubblewrap()
    if program is None:
        return Probe(Level.BUBBLEWRAP, False, "bubblewrap is not installed", "apt-get install bubblewrap")
    if shutil.which("prlimit") is None:
        return Probe(Level.BUBBLEWRAP, False, "prlimit is not installed", "apt-get install util-linux")
    from mutoscope.engines.sandbox.walls import bubblewrap_base

    tried = subprocess.run(
        [*bubblewrap_base(program), "--", "/usr/bin/true"],
        capture_output=True, text=True, check=False, timeout=PROBE_TIMEOUT_S,
    )  # fmt: skip
    if tried.returncode == 0:
        return Probe(Level.BUBBLEWRAP, True)
    reason = tried.stderr.strip().splitlines()[-1] if tried.stderr.strip() else f"exit code {tried.returncode}"
    return Probe(Level.BUBBLEWRAP, False, reason, "allow user namespaces: sysctl kernel.unprivileged_userns_clone=1")


def _probe_landlock() -> Probe:
    if platform.machine() not in seccomp.MACHINES:
        return Probe(Level.LANDLOCK, False, f"no table of system calls for {platform.machine()}")
    if landlock.version() < 1:
        return Probe(Level.LANDLOCK, False, "the kernel has no Landlock", "Linux 5.13 or newer, with lsm=landlock")
    return _probe_launcher(Level.LANDLOCK)


def _probe_whitelist() -> Probe:
    if platform.machine() not in seccomp.MACHINES:
        return Probe(Level.WHITELIST, False, f"no table of system calls for {platform.machine()}")
    return _probe_launcher(Level.WHITELIST)


def _probe_launcher(level: Level) -> Probe:
    from mutoscope.engines.sandbox.walls import launcher_command

    program = shutil.which("true") or "/bin/true"
    with contextlib.ExitStack() as stack:
        try:
            command, kept = launcher_command(
                stack, level, [program], readable=[], writable=[], limits=None, processes=False
            )
        except OSError as error:
            return Probe(level, False, str(error))
        tried = subprocess.run(
            command,
            capture_output=True,
            text=True,
            check=False,
            timeout=PROBE_TIMEOUT_S,
            env={"PATH": os.defpath},
            pass_fds=kept,
        )
    if tried.returncode == 0:
        return Probe(level, True)
    reason = tried.stderr.strip().splitlines()[-1] if tried.stderr.strip() else f"exit code {tried.returncode}"
    return Probe(level, False, reason)

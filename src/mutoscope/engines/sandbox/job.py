"""What is to be run, within which limits, and how it ended."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from mutoscope.engines.sandbox.levels import Level

LIMIT_END = 2**63
NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")


@dataclass(frozen=True)
class Limits:
    """Bounds on one run. The kernel holds all of them but `wall_s`, which the runner holds."""

    cpu_s: int = 600
    wall_s: float = 900.0
    memory_bytes: int = 2 * 1024**3
    """Address space. A program that maps large files needs more than it uses."""
    file_bytes: int = 8 * 1024**3
    """Size of any one file that it writes."""
    open_files: int = 64
    output_bytes: int = 16 * 1024**2
    """What it may print on standard output; more of it ends the run."""

    def __post_init__(self) -> None:
        for name, value in vars(self).items():
            # What the kernel cannot read as a bound would bound nothing, or look as if the program had failed.
            is_number = isinstance(value, int) or (name == "wall_s" and isinstance(value, float))
            if isinstance(value, bool) or not is_number or not 0 < value < LIMIT_END:
                kind = "number" if name == "wall_s" else "whole number"
                raise ValueError(f"Limits.{name} must be a finite {kind} greater than 0, not {value!r}")


class NotThere(FileNotFoundError):
    """What a job names is not there, or is not of its kind: its program, an input, a folder. Nothing was run."""


class Limit(StrEnum):
    """A bound that was reached."""

    CPU = "cpu"
    WALL = "wall"
    MEMORY = "memory"
    FILE = "file"
    OUTPUT = "output"


class Places:
    """Where the program finds things. Only this knows how a path looks from inside."""

    def __init__(self, level: Level, inputs: Mapping[str, str], work: str, handles: Mapping[str, int]) -> None:
        self.level = level
        self._inputs = inputs
        self._work = work
        self._handles = handles

    def input(self, name: str) -> str:
        """The path of an input as the program sees it."""
        return self._inputs[name]

    def output(self, name: str) -> str:
        """The path of a file in the work folder as the program sees it; `name` may have folders in it."""
        if name.startswith("/") or ".." in name.split("/"):
            raise ValueError(f"{name!r} would lie outside the work folder")
        return f"{self._work}/{name}"

    def handle(self, name: str) -> int:
        """The file descriptor under which the program finds an input open. At every level."""
        return self._handles[name]


@dataclass(frozen=True)
class Job:
    """One run of one program.

    `arguments` are computed from the places, because a path looks different inside. Inputs are files that it may only
    read, under names that we choose: what a file was called by whoever sent it never reaches the program. `work` is the
    one folder that it may write to. `folders` are further folders to read, such as fonts.
    """

    program: Path
    arguments: Callable[[Places], list[str]]
    inputs: Mapping[str, Path] = field(default_factory=dict)
    work: Path | None = None
    folders: Mapping[str, Path] = field(default_factory=dict)
    limits: Limits = field(default_factory=Limits)
    environment: Mapping[str, str] = field(default_factory=dict)
    processes: bool = False
    """Whether it may start other programs. Only the first level allows it."""

    def __post_init__(self) -> None:
        for name in (*self.inputs, *self.folders):
            if not NAME.fullmatch(name):
                raise ValueError(f"Job.inputs: {name!r} is not a name of lower-case letters, digits, dots and dashes")

    def check_there(self) -> None:
        """Raises NotThere. Each level would say it in another way, and bubblewrap by an exit code as programs have it."""
        if not (self.program.is_file() and os.access(self.program, os.X_OK)):
            raise NotThere(f"Job.program: {self.program} is no program that this user may start")
        for name, path in self.inputs.items():
            if not path.exists():
                raise NotThere(f"Job.inputs: {name!r} is {path}, which is not there")
        for name, path in self.folders.items():
            if not path.is_dir():
                raise NotThere(f"Job.folders: {name!r} is {path}, which is no folder")
        if self.work is not None and not self.work.is_dir():
            raise NotThere(f"Job.work: {self.work} is no folder")


@dataclass(frozen=True)
class Outcome:
    """How a run ended. `signal` is the number of the signal that ended it, `limits` what it ran into.

    `cpu_s` is exact but for bubblewrap, where it is what was used at the last look: the last tenth of a second may be missing.
    """

    exit_code: int
    signal: int | None
    limits: frozenset[Limit]
    cancelled: bool
    wall_s: float
    cpu_s: float
    stdout: bytes
    stderr_tail: str

    def succeeded(self) -> bool:
        """Whether it ended by itself, well, and within its limits."""
        return self.exit_code == 0 and self.signal is None and not self.limits and not self.cancelled

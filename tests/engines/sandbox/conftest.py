"""Each test of the sandbox runs at every level that this machine offers."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from mutoscope.engines.sandbox import Job, Level, Limits, Outcome, Places, Sandbox, probe_all

# A shell line, told where things are.
Line = Callable[[Places], str]
RunShell = Callable[..., Outcome]

LEVELS = [
    pytest.param(level, marks=[pytest.mark.bubblewrap] if level is Level.BUBBLEWRAP else [], id=level.value)
    for level in Level
]
# The least level leaves files to the rights of the operating system's user; docs/sandbox.md says so.
LEVELS_WITH_WALLS_AROUND_FILES = LEVELS[:2]


@pytest.fixture(params=LEVELS)
def sandbox(request: pytest.FixtureRequest) -> Sandbox:
    level: Level = request.param
    probe = next(probe for probe in probe_all() if probe.level is level)
    if not probe.works:
        reason = f"the level {level} does not work here: {probe.reason}"
        if os.environ.get("CI"):
            pytest.fail(f"In CI no level may be skipped, but {reason}")
        pytest.skip(reason)
    return Sandbox(level)


@pytest.fixture
def run_shell(sandbox: Sandbox, tmp_path: Path) -> RunShell:
    """Run a line of shell in the sandbox. Its work folder is `tmp_path / "work"`."""
    work = tmp_path / "work"
    work.mkdir()

    def run(
        line: Line, *, limits: Limits | None = None, inputs: dict[str, Path] | None = None, **more: object
    ) -> Outcome:
        job = Job(
            Path(shutil.which("bash") or "/bin/bash"),
            lambda places: ["-c", line(places)],
            inputs=inputs or {},
            work=work,
            limits=limits or Limits(cpu_s=10, wall_s=30),
        )
        return sandbox.run(job, **more)  # type: ignore[arg-type]

    return run

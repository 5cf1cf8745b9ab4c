"""mypy is part of a service's contract: what it must catch is planted in typing_snippets/bad.py."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
SNIPPETS = Path(__file__).with_name("typing_snippets")
REPORT = re.compile(r"(?P<file>\w+)\.py:(?P<line>\d+): error: .*\[(?P<code>[\w-]+)\]$")


def test_mypy_reports_every_planted_mistake_and_nothing_else(tmp_path: Path) -> None:
    configuration = tmp_path / "mypy.ini"
    configuration.write_text(f"[mypy]\nstrict = True\nmypy_path = {ROOT / 'src'}\nfollow_imports = silent\n")
    done = subprocess.run(
        [
            *(sys.executable, "-m", "mypy", "--config-file", configuration, "--no-error-summary"),
            *("--cache-dir", ROOT / "var" / "test" / "mypy-snippets"),
            *(SNIPPETS / "good.py", SNIPPETS / "bad.py"),
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    reported = {(found["file"], int(found["line"]), found["code"]) for found in _errors(done.stdout)}
    assert reported == _planted(SNIPPETS / "bad.py"), done.stdout + done.stderr


def _errors(output: str) -> list[re.Match[str]]:
    return [found for line in output.splitlines() if (found := REPORT.search(line))]


def _planted(snippet: Path) -> set[tuple[str, int, str]]:
    lines = enumerate(snippet.read_text().splitlines(), start=1)
    marks = ((number, re.search(r"# E: ([\w-]+)$", line)) for number, line in lines)
    return {(snippet.stem, number, mark[1]) for number, mark in marks if mark}

"""The house style, as far as a machine can see it."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.plugin import ROOT

BIN = Path(sys.executable).parent
LINES_MAX = 400
EMPTY_NAMES = {"utils", "util", "helpers", "helper", "common", "manager", "managers", "base", "misc"}
LOCKS = ["requirements.lock", "requirements-dev.lock", "requirements-node.lock", "package-lock.json"]


def tracked() -> list[Path]:
    names = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    return [ROOT / name for name in names.split("\0") if name and (ROOT / name).is_file()]


def python_files() -> list[Path]:
    return [path for path in tracked() if path.suffix == ".py" and "migrations" not in path.parts]


@pytest.mark.parametrize(
    "command",
    [["ruff", "format", "--check", "."], ["ruff", "check", "."], ["mypy"]],
    ids=["format", "lint", "types"],
)
def test_the_tools_find_nothing(command: list[str]) -> None:
    done = subprocess.run([BIN / command[0], *command[1:]], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_files_can_be_held_in_the_head() -> None:
    long = {
        str(path.relative_to(ROOT)): n
        for path in python_files()
        if (n := len(path.read_text().splitlines())) > LINES_MAX
    }
    assert long == {}


def test_no_module_has_a_name_that_says_nothing() -> None:
    empty = [str(path.relative_to(ROOT)) for path in tracked() if path.suffix == ".py" and path.stem in EMPTY_NAMES]
    # The name by which Django loads a database backend.
    assert empty == ["src/mutoscope/engines/postgres/backend/base.py"]


def test_every_public_module_says_what_it_is() -> None:
    silent = [
        str(path.relative_to(ROOT))
        for path in python_files()
        if path.is_relative_to(ROOT / "src")
        and path.name not in {"apps.py", "__init__.py"}
        and not path.read_text().lstrip().startswith(('"""', 'r"""'))
    ]
    assert silent == []


@pytest.mark.parametrize("lock", LOCKS)
def test_lock_files_pin_by_hash_and_name_no_registry(lock: str) -> None:
    content = (ROOT / lock).read_text()
    assert "://" not in content
    assert "index-url" not in content
    assert "sha256:" in content or "sha512-" in content


def test_nothing_tracked_names_this_machine() -> None:
    """Paths of whoever wrote it say nothing to whoever reads it."""
    home = re.compile(rb"(?:/root/|/home/[a-z]+/|" + re.escape(str(ROOT).encode()) + rb")")
    found = [
        str(path.relative_to(ROOT))
        for path in tracked()
        if path.suffix in {".py", ".md", ".toml", ".yml", ".json", ".lock", ".html", ".css", ".js", ".sql", ".sh"}
        and path != Path(__file__)
        and home.search(path.read_bytes())
    ]
    assert found == []

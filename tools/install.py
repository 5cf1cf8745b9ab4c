"""Install Mutoscope into .venv from the lock files: `python3 tools/install.py run` or `... dev`.

Standard library only, because it runs before anything is installed. Safe to call each time: what is already installed
from the same lock files is left alone, so a second call takes milliseconds.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
import re
import shutil
import subprocess
import sys
import time
from collections import deque
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
VENDOR = ROOT / "src" / "mutoscope" / "web" / "static" / "vendor"

LOCKS = {"run": "requirements.lock", "dev": "requirements-dev.lock"}

# What a page may load of each npm package: (package, file inside it, name under static/vendor). The third column says
# which profile needs it.
BROWSER_PARTS = (
    ("htmx.org", "dist/htmx.min.js", "htmx.min.js", "run"),
    ("hls.js", "dist/hls.min.js", "hls.min.js", "run"),
    ("hls.js", "dist/hls.worker.js", "hls.worker.js", "run"),
    ("media-chrome", "dist/iife/index.js", "media-chrome.min.js", "run"),
    ("tus-js-client", "dist/tus.min.js", "tus.min.js", "run"),
    ("axe-core", "axe.min.js", None, "dev"),
)


class InstallError(Exception):
    """Something the person at the keyboard can mend; the message says how."""


def main(arguments: list[str]) -> int:
    profile = arguments[0] if arguments else "run"
    if profile not in LOCKS:
        print(f"install: unknown profile {profile!r}; use one of {', '.join(LOCKS)}", file=sys.stderr)
        return 2
    try:
        install(profile)
    except InstallError as error:
        print(f"\ninstall: {error}", file=sys.stderr)
        return 1
    return 0


def install(profile: str) -> None:
    if sys.version_info < (3, 11):
        raise InstallError(
            f"Python 3.11 or newer is needed, this is {sys.version.split()[0]}. "
            "If a newer one is installed under another name: make up PYTHON=python3.12"
        )
    create_venv()
    install_python_packages(profile)
    install_browser_parts(profile)


def create_venv() -> None:
    if PYTHON.exists() and works(PYTHON):
        return
    if importlib.util.find_spec("ensurepip") is None:
        raise InstallError(
            "this Python cannot make virtual environments. On Debian or Ubuntu: apt-get install python3-venv"
        )
    with step("Creating .venv"):
        shutil.rmtree(VENV, ignore_errors=True)
        run([sys.executable, "-m", "venv", str(VENV)])


def works(python: Path) -> bool:
    """Whether a .venv left here still runs: it does not after its folder moved or the system's Python went away."""
    probe = subprocess.run([python, "-c", "import sys; print(sys.prefix)"], capture_output=True, text=True, check=False)
    return probe.returncode == 0 and Path(probe.stdout.strip()) == VENV


def install_python_packages(profile: str) -> None:
    # The development lock holds everything that the runtime lock holds, at the same versions.
    stamps = {name: digest(LOCKS[name], "pyproject.toml") for name in LOCKS}
    satisfied_by = ("dev",) if profile == "dev" else ("run", "dev")
    if any(read_stamp(f"python-{name}") == stamps[name] for name in satisfied_by):
        return
    lock = ROOT / LOCKS[profile]
    count = sum(1 for line in lock.read_text().splitlines() if "==" in line)
    with step(f"Installing {count} Python packages") as progress:
        pip("install", "--require-hashes", "--only-binary", ":all:", "-r", str(lock), watch=PipWatch(progress, count))
        pip("install", "--no-deps", "--no-build-isolation", "--no-index", "--editable", str(ROOT))
    write_stamp(f"python-{profile}", stamps[profile])


def install_browser_parts(profile: str) -> None:
    wanted = digest("package-lock.json", "tools/install.py")
    if read_stamp(f"browser-{profile}") == wanted:
        return
    with step("Fetching the browser's scripts"):
        npm = find_npm()
        command = [*npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund"]
        if profile == "run":
            command.append("--omit=dev")
        run(command)
        VENDOR.mkdir(parents=True, exist_ok=True)
        for package, source, target, _ in BROWSER_PARTS:
            if target is not None:
                content = (ROOT / "node_modules" / package / source).read_bytes()
                # Source maps stay behind: they would triple the download for people who never open them.
                (VENDOR / target).write_bytes(re.sub(rb"\n?//# sourceMappingURL=\S+\s*$", b"\n", content))
    write_stamp(f"browser-{profile}", wanted)
    if profile == "dev":
        write_stamp("browser-run", wanted)


def find_npm() -> list[str]:
    """The machine's npm, or one from a wheel where the machine has none."""
    system = shutil.which("npm")
    if system and shutil.which("node"):
        return [system]
    wheel = VENV / "bin" / "npm"
    if not wheel.exists():
        pip("install", "--require-hashes", "--only-binary", ":all:", "-r", str(ROOT / "requirements-node.lock"))
    os.environ["PATH"] = f"{wheel.parent}{os.pathsep}{os.environ['PATH']}"
    return [str(wheel)]


def pip(*arguments: str, watch: Callable[[str], None] | None = None) -> None:
    run([str(PYTHON), "-m", "pip", "--disable-pip-version-check", "--no-input", *arguments], watch)


def run(command: list[str], watch: Callable[[str], None] | None = None) -> None:
    """Run a command, handing each line it prints to `watch`. Raises InstallError with its last words."""
    last: deque[str] = deque(maxlen=15)
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
        assert process.stdout is not None
        for line in process.stdout:
            last.append(line.rstrip())
            if watch is not None:
                watch(line)
    if process.returncode != 0:
        tail = "\n".join(last)
        raise InstallError(f"this command failed:\n  {' '.join(command)}\n{tail}\nMend the cause and run make again.")


class PipWatch:
    """What pip prints, as a sentence about where it is."""

    def __init__(self, progress: step, total: int) -> None:
        self.progress = progress
        self.total = total
        self.collected = 0

    def __call__(self, line: str) -> None:
        if line.startswith("Collecting "):
            self.collected += 1
            # Those for other systems and Pythons are in the lock, too, so the total is an upper bound.
            self.progress.show(f"fetching {self.collected} of {self.total}: {line.split()[1].split('==')[0]}")
        elif line.startswith("Installing collected"):
            self.progress.show("unpacking")


def digest(*names: str) -> str:
    whole = hashlib.sha256(sys.version.encode())
    for name in names:
        whole.update((ROOT / name).read_bytes())
    return whole.hexdigest()


def read_stamp(name: str) -> str:
    stamp = VENV / f".installed-{name}"
    return stamp.read_text() if stamp.exists() else ""


def write_stamp(name: str, value: str) -> None:
    (VENV / f".installed-{name}").write_text(value)


class step:
    """Say what is being done before it is done, where it is meanwhile, and how long it took after."""

    def __init__(self, label: str) -> None:
        self.label = label
        self.live = sys.stdout.isatty()

    def __enter__(self) -> step:
        self.began = time.monotonic()
        print(f"{self.label} ...", end="", flush=True)
        return self

    def show(self, detail: str) -> None:
        if self.live:
            width = shutil.get_terminal_size().columns - 1
            print(f"\r\033[K{f'{self.label} ... {detail}'[:width]}", end="", flush=True)

    def __exit__(self, kind: object, *_: object) -> None:
        end = "failed" if kind else f"done in {time.monotonic() - self.began:.0f} s"
        print(f"\r\033[K{self.label} ... {end}" if self.live else f" {end}", flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

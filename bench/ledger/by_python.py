"""The unlock through Python, 16 processes at once: peers, a bare function call, and ours."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from bench.ledger.ground import HERE, environment
from mutoscope.engines.postgres.embedded import EmbeddedServer

PROCESSES = 16
ROOT = HERE.parents[1]


def per_second(server: EmbeddedServer, command: list[str], seconds: float) -> float:
    """Start 16 processes that begin at the same moment; unlocks a second of all together."""
    processes = [
        subprocess.Popen(
            [*command, str(seconds)],
            env=environment(server),
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(PROCESSES)
    ]
    for process in processes:
        assert process.stdout is not None
        process.stdout.readline()
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    printed = [process.communicate()[0] for process in processes]
    if any(process.returncode for process in processes):
        raise RuntimeError(f"a client of {command} failed")
    return sum(int(each) for each in printed) / seconds


def ours(server: EmbeddedServer, way: str, where: str, seconds: float) -> float:
    return per_second(server, [sys.executable, "-m", "bench.ledger.client", way, where], seconds)


def hordak(server: EmbeddedServer, way: str, seconds: float) -> float:
    return per_second(server, [str(peer_python()), str(HERE / "hordak_client.py"), way], seconds)


def peer_python() -> Path:
    """An environment with the peers, made once from requirements.txt. None of it is in our lock files."""
    folder = ROOT / "var" / "bench" / "ledger-peers"
    python = folder / "bin" / "python"
    if not (folder / "ready").exists():
        subprocess.run([sys.executable, "-m", "uv", "venv", "-q", "--clear", folder], check=True)
        requirements = ["--require-hashes", "-r", str(HERE / "requirements.txt")]
        subprocess.run(
            [sys.executable, "-m", "uv", "pip", "install", "-q", "--python", python, *requirements], check=True
        )
        (folder / "ready").touch()
    return python

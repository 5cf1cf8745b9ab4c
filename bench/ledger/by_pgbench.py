"""The unlock in pure SQL, called by pgbench: the limit and ours, with many creators and with one that everybody watches."""

from __future__ import annotations

import re
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

from bench.ledger.ground import CREATORS, HOT_CREATOR, PLATFORM, VIEWERS
from mutoscope.engines.postgres import binaries
from mutoscope.engines.postgres.embedded import EmbeddedServer

CLIENTS = 16

_VIEWER = f"\\set viewer random(1, {VIEWERS})\n"
_MANY = _VIEWER + f"\\set creator random({VIEWERS + 1}, {VIEWERS + CREATORS})\n"
_HOT = _VIEWER + f"\\set creator {HOT_CREATOR}\n"
# Sent as text, as every client sends one.
_KEY = "\\set key random(1, 1000000000000000000)\n"
_LIMIT = f"SELECT limit_unlock(:viewer, :creator, {PLATFORM});\n"
_OURS = f"SELECT bench_unlock(:key, :viewer, :creator, {PLATFORM});\n"

SCRIPTS = {
    ("limit", "many"): _MANY + _LIMIT,
    ("limit", "hot"): _HOT + _LIMIT,
    ("ours", "many"): _MANY + _KEY + _OURS,
    ("ours", "hot"): _HOT + _KEY + _OURS,
}


@dataclass(frozen=True)
class Measured:
    per_second: float
    p99_ms: float


def measure(server: EmbeddedServer, script: str, seconds: int) -> Measured:
    """Run one script with 16 clients. Every statement must succeed."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "script.sql"
        file.write_text(script)
        done = subprocess.run(
            [
                *(binaries.program("pgbench"), "--no-vacuum", "-c", str(CLIENTS), "-j", "2", "-T", str(seconds)),
                *("-M", "prepared", "-f", file, "--log", f"--log-prefix={folder}/log", server.url()),
            ],
            capture_output=True,
            text=True,
            check=True,
            cwd=folder,
        )
        latencies = sorted(int(line.split()[2]) for log in Path(folder).glob("log*") for line in log.open())
    rate = re.search(r"tps = ([\d.]+)", done.stdout)
    assert rate is not None, done.stdout
    return Measured(float(rate[1]), latencies[int(len(latencies) * 0.99)] / 1000)

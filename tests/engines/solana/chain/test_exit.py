"""A program that serves a chain and ends without stopping it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[4]
# What is registered first runs last: by then the server has to be gone.
PROGRAM = """
import atexit, threading
atexit.register(lambda: print([thread.name for thread in threading.enumerate()]))
import httpx
from mutoscope.engines.solana.chain import SandboxChain
chain = SandboxChain(ticking=True).start()
print(httpx.post(chain.url, json={"jsonrpc": "2.0", "id": 1, "method": "getHealth"}).json()["result"])
"""


def test_a_program_that_forgets_to_stop_the_chain_ends_like_any_other() -> None:
    ended = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        env=os.environ | {"PYTHONPATH": str(ROOT / "src")},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert (ended.returncode, ended.stderr) == (0, "")
    assert ended.stdout.splitlines() == ["ok", "['MainThread']"]


STOPPED = """
from pathlib import Path
import httpx
from mutoscope.engines.solana.chain import SandboxChain
with SandboxChain(ticking=True) as chain:
    httpx.post(chain.url, json={"jsonrpc": "2.0", "id": 1, "method": "getHealth"})
print([thread.name for thread in Path("/proc/self/task").iterdir()] == [str(Path("/proc/self").resolve().name)])
"""


def test_a_chain_that_was_stopped_has_left_no_thread() -> None:
    """Of Python's or of the server's own: one that is still there when the interpreter goes panics, once in a while."""
    ended = subprocess.run(
        [sys.executable, "-c", STOPPED],
        env=os.environ | {"PYTHONPATH": str(ROOT / "src")},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "True\n", "")

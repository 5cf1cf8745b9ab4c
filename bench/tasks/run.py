"""`make bench NAME=tasks`: ours, the peers and the limit in one run, as one table.

`TASKS_BENCH=quick` runs about a tenth of each, `TASKS_BENCH_PARTS=ours,peers,restart` some of the parts. Peers live in a virtual environment of their own below var/bench.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from statistics import median
from typing import Any

import psycopg

from bench.tasks.spread import WARM_UP
from mutoscope.engines.postgres.embedded import EmbeddedServer

ROOT = Path(__file__).resolve().parents[2]
HERE = Path(__file__).resolve().parent
PEERS_HOME = ROOT / "var" / "bench" / "tasks-peers"
QUICK = os.environ.get("TASKS_BENCH") == "quick"
SCALE = 10 if QUICK else 1
TIMEOUT_S = 180

# Peers, and how many tasks each is given to run: about as many as take it ten seconds.
PEERS = {"pgqueuer": 30_000, "dbos": 3_000, "celery": 5_000, "procrastinate": 3_000, "django_tasks_db": 1_000}
COLUMNS = ("process", "process_async", "enqueue", "bulk", "p50", "p99", "steps", "wal", "pinned/unpinned", "killed")
# How much of each is measured, and how much in a quick run. A worker takes half a second to get going: fewer tasks than this say
# little about its rate.
NUMBERS = {
    "process": (500_000, 50_000),
    "process_async": (200_000, 20_000),
    "enqueue": (10_000, 1_000),
    "latency": (1_000, 200),
    "steps": (200_000, 20_000),
    "pinned": (100_000, 100_000),
    "killed": (1, 1),
}
# The 99th percentile of fewer is no more than the worst of them.
LATENCIES = 200
RERUN_S_MAX = 60.0
# Some seconds of work, in a quick run too: with less of it all was done before the server was stopped.
RESTART_TASKS = 400_000
# Which parts to measure: all unless TASKS_BENCH_PARTS names some of them.
PARTS = os.environ.get("TASKS_BENCH_PARTS", "ours,peers,restart").split(",")

Figures = dict[str, float]


def main() -> None:
    print(f"Tasks: {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f} before the run, synchronous commit on.\n")
    home = Path(tempfile.mkdtemp(prefix="tasks-bench-", dir=_bench_folder()))
    server = EmbeddedServer(home / "postgres")
    server.start()
    try:
        figures = measure(server)
    finally:
        server.stop()
        shutil.rmtree(home, ignore_errors=True)
    print(table(figures))
    for who, found in figures.items():
        if "rest_p50" in found:
            print(
                f"\nStart, {who}: of it, after the enqueue's own commit, p50 {found['rest_p50']:.2f} and p99 {found['rest_p99']:.2f} ms."
            )
    if "restart" in PARTS:
        print(restart())


def restart() -> str:
    """PostgreSQL stopped at once under load, and what became of the tasks."""
    home = Path(tempfile.mkdtemp(prefix="tasks-bench-", dir=_bench_folder()))
    os.environ["BENCH_HOME"] = str(home / "postgres")
    try:
        found = one(
            [sys.executable, "-m", "bench.tasks.ours", "host=nowhere dbname=none", "restart", str(RESTART_TASKS)]
        )
    finally:
        shutil.rmtree(home, ignore_errors=True)
    if not found:
        return ""
    return (
        f"\nPostgreSQL stopped at once under {RESTART_TASKS:,} tasks: the worker went on {found['resumed']:.2f} s after it was "
        f"back; {found['lost']:.0f} lost, {found['doubled']:.0f} with two results."
    )


def measure(server: EmbeddedServer) -> dict[str, Figures]:
    limits: list[Figures] = []
    ours: list[Figures] = []
    # Interleaved, and the middle one of three taken: what else the machine does changes all the time.
    # Starts come first, while the server really is idle: after a rate has been measured it vacuums what that left.
    for turn in range(3 if "ours" in PARTS else 0):
        limits.append(_measured(server, "raw", "latency", "process", "enqueue", "steps"))
        rest = ("killed",) if turn == 0 else ()
        ours.append(
            _measured(server, "ours", "latency", "process", "process_async", "enqueue", "steps", "pinned", *rest)
        )
    figures = {"raw loop (the limit)": _middle(limits), "**ours**": _middle(ours)}
    if "peers" in PARTS and install_peers():
        for peer, number in PEERS.items():
            with database(server, peer) as url, broker(peer, url) as address:
                if address is None:
                    print("(celery left out: there is no redis-server; apt-get install redis-server)\n")
                    continue
                figures[peer] = _peer(peer, address, number // SCALE)
    return figures


def _measured(server: EmbeddedServer, who: str, *jobs: str) -> Figures:
    with database(server, who) as url:
        found: Figures = {}
        for what in jobs:
            number = NUMBERS[what][QUICK] + (WARM_UP if what == "latency" else 0)
            found |= one([sys.executable, "-m", f"bench.tasks.{who}", url, what, str(number)])
        if "ratio" in found:
            found["pinned/unpinned"] = found.pop("ratio")
        return found


def _peer(peer: str, url: str, number: int) -> Figures:
    found: Figures = {}
    call = [str(PEERS_HOME / "bin" / "python"), str(HERE / "peers.py"), peer]
    one([*call, "setup", url, "0"])
    if peer in ("pgqueuer", "procrastinate"):
        found |= one([*call, "bulk", url, str(max(1000, number // 1000 * 1000))])
        rest = max(1000, number // 1000 * 1000)
    else:
        rest = 0
    singles = min(number, 2_000 // SCALE)
    found |= one([*call, "enqueue", url, str(singles)])
    if number > rest + singles:
        one([*call, "enqueue", url, str(number - rest - singles)])
    found |= one([*call, "worker", url, str(max(number, rest + singles))])
    sent = LATENCIES + WARM_UP
    worker = subprocess.Popen([*call, "worker", url, str(sent)], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    time.sleep(5)
    one([*call, "send", url, str(sent)])
    try:
        printed, _ = worker.communicate(timeout=60)
        found |= _parse(printed.decode())
    except subprocess.TimeoutExpired:
        worker.kill()
        worker.wait()
    if peer == "dbos":
        found |= one([*call, "steps", url, str(2_000 // SCALE)])
    return found | _killed(call, url)


def _killed(call: list[str], url: str) -> Figures:
    """Seconds from kill -9 on the worker that runs a task until another runs it; infinite when none does in a minute."""
    folder = Path(tempfile.mkdtemp(prefix="tasks-bench-"))
    notes = folder / "notes"
    notes.touch()
    environment = os.environ | {"BENCH_NOTES": str(notes)}
    command = [*call, "worker", url, "1"]

    def lines() -> int:
        return len(notes.read_text().splitlines())

    def start() -> subprocess.Popen[bytes]:
        return subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def wait(number: int, patience_s: float) -> bool:
        deadline = time.monotonic() + patience_s
        while lines() < number and time.monotonic() < deadline:
            time.sleep(0.05)
        return lines() >= number

    first, second = start(), None
    try:
        subprocess.run([*call, "hang", url, "1"], env=environment, capture_output=True, check=False, timeout=60)
        if not wait(1, 30.0):
            return {}
        first.kill()
        died = time.monotonic()
        second = start()
        return {"killed": time.monotonic() - died if wait(2, RERUN_S_MAX) else float("inf")}
    finally:
        for process in (first, second):
            if process is not None:
                process.kill()
                process.wait()
        shutil.rmtree(folder, ignore_errors=True)


def one(command: list[str]) -> Figures:
    """What one measurement printed; nothing, and a line that says so, when it failed."""
    environment = (
        os.environ | {"PYTHONPATH": f"{ROOT / 'src'}{os.pathsep}{ROOT}"}
        if "peers.py" not in " ".join(command)
        else dict(os.environ)
    )
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, cwd=ROOT, env=environment, timeout=TIMEOUT_S, check=False
        )
    except subprocess.TimeoutExpired:
        print(f"({' '.join(command[2:4])}: no answer in {TIMEOUT_S} s)\n")
        return {}
    if done.returncode != 0:
        reason = (done.stderr.strip().splitlines() or ["no reason given"])[-1]
        print(f"({' '.join(command[2:4])} failed: {reason})\n")
    return _parse(done.stdout)


def _parse(printed: str) -> Figures:
    for line in reversed(printed.splitlines()):
        if line.startswith("{"):
            found: Figures = json.loads(line)
            return found
    return {}


@contextlib.contextmanager
def database(server: EmbeddedServer, name: str) -> Iterator[str]:
    """The URL of a database of its own."""
    with psycopg.connect(server.url("postgres", "postgres"), autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE bench_{name} OWNER {server.role}")
    try:
        yield server.url(f"bench_{name}")
    finally:
        with psycopg.connect(server.url("postgres", "postgres"), autocommit=True) as connection:
            connection.execute(f"DROP DATABASE bench_{name} WITH (FORCE)")
            connection.execute("CHECKPOINT")


@contextlib.contextmanager
def broker(peer: str, url: str) -> Iterator[str | None]:
    """Where the peer's queue is: the database, but for celery, which gets a Redis on a Unix socket."""
    if peer != "celery":
        yield url
        return
    program = shutil.which("redis-server")
    if program is None:
        yield None
        return
    folder = Path(tempfile.mkdtemp(prefix="redis-"))
    address = folder / "redis.sock"
    process = subprocess.Popen(
        [program, "--port", "0", "--unixsocket", str(address), "--save", "", "--dir", str(folder)],
        stdout=subprocess.DEVNULL,
    )
    try:
        while not address.exists():
            time.sleep(0.05)
        yield f"redis+socket://{address}"
    finally:
        process.terminate()
        process.wait()
        shutil.rmtree(folder, ignore_errors=True)


def install_peers() -> bool:
    """Put the peers into their own virtual environment, by hash. Whether they are there."""
    stamp = PEERS_HOME / "installed"
    wanted = (HERE / "requirements.txt").read_text()
    if stamp.exists() and stamp.read_text() == wanted:
        return True
    python = PEERS_HOME / "bin" / "python"
    subprocess.run([sys.executable, "-m", "venv", "--clear", str(PEERS_HOME)], check=True)
    command = [str(python), "-m", "pip", "install", "--quiet", "--require-hashes", "-r", str(HERE / "requirements.txt")]
    if subprocess.run(command, check=False).returncode != 0:
        print("(peers left out: they could not be installed)\n")
        return False
    stamp.write_text(wanted)
    return True


def _bench_folder() -> Path:
    folder = ROOT / "var" / "bench"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _middle(runs: list[Figures]) -> Figures:
    names = {name for run in runs for name in run}
    return {name: median(run[name] for run in runs if name in run) for name in names}


def table(figures: dict[str, Figures]) -> str:
    heads = {
        "process": "process /s",
        "process_async": "async /s",
        "enqueue": "enqueue 1 by 1 /s",
        "bulk": "bulk /s",
        "p50": "start p50 ms",
        "p99": "start p99 ms",
        "steps": "steps /s, 10 runs",
        "wal": "WAL bytes/task",
        "pinned/unpinned": "pinned : unpinned",
        "killed": "killed, again after s",
    }
    lines = ["| | " + " | ".join(heads[name] for name in COLUMNS) + " |", "|---|" + "---|" * len(COLUMNS)]
    for who, found in figures.items():
        lines.append(f"| {who} | " + " | ".join(_cell(found.get(name)) for name in COLUMNS) + " |")
    figures = {who: found for who, found in figures.items() if found}
    ours = figures.get("**ours**", {})
    for other in figures:
        if other != "**ours**":
            cells = [_ratio(ours.get(name), figures[other].get(name)) for name in COLUMNS]
            lines.append(f"| ours : {other} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def _cell(value: Any) -> str:
    if value is None:
        return "-"
    if value == float("inf"):
        return f"not in {RERUN_S_MAX:.0f}"
    return f"{value:,.0f}" if value >= 100 else f"{value:.2f}"


def _ratio(ours: float | None, theirs: float | None) -> str:
    return "-" if not ours or not theirs or theirs == float("inf") else f"{ours / theirs:.2f}"


if __name__ == "__main__":
    main()

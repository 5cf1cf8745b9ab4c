"""The key endpoint at 200 requests a second: `make bench NAME=videos_keys`.

The whole site as it runs (granian, all middleware, PostgreSQL as durable as it comes), entitled viewers, and requests at fixed
moments whatever the answers do, so that waiting counts. Beside it, at the same rate, the limit: an address that touches no
database. Where the machine has other work, both lines show it.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

from bench.ledger.ground import bare_server

RATE = 200
SECONDS = 20
WARM_SECONDS = 4
ROOT = Path(__file__).parents[2]


def main() -> None:
    with bare_server() as server:
        port = _free_port()
        home = server.home / "site"
        home.mkdir()
        environment = {
            **os.environ,
            "DJANGO_SETTINGS_MODULE": "mutoscope.web.settings",
            "DATABASE_URL": server.url(),
            "MUTOSCOPE_HOME": str(home),
            "MUTOSCOPE_PORT": str(port),
            "MUTOSCOPE_LOG_LEVEL": "ERROR",
        }
        _python(environment, "-W", "ignore", "-m", "django", "migrate", "--verbosity", "0")
        asked = json.loads(_python(environment, "-W", "ignore", "-m", "bench.videos_keys.furnish"))
        web = subprocess.Popen(
            [sys.executable, "-m", "mutoscope.cli", "web"], env=environment, cwd=ROOT, stderr=subprocess.DEVNULL
        )
        try:
            asyncio.run(_report(port, asked))
        finally:
            web.send_signal(signal.SIGTERM)
            web.wait(30)


async def _report(port: int, asked: dict[str, list[str]]) -> None:
    await _until_it_answers(port)
    viewers, keys = asked["viewers"], asked["keys"]

    def key(number: int) -> str:
        session, token = viewers[number % len(viewers)]
        address = keys[number // len(viewers) % len(keys)]
        return f"GET /keys/{address} HTTP/1.1\r\nHost: localhost\r\nX-Playback: {token}\r\nCookie: session={session}\r\n\r\n"

    def alive(number: int) -> str:
        return "GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n"

    print(
        f"| {RATE} requests a second for {SECONDS} s, from when each was due | answers | p50 ms | p95 ms | p99 ms | max ms |"
    )
    print("|---|---|---|---|---|---|")
    for name, request in (
        ("a key (session, right, bucket: 2 queries)", key),
        ("the limit: /livez, no database", alive),
    ):
        await _run(port, request, WARM_SECONDS)
        statuses, times = await _run(port, request, SECONDS)
        counted = ", ".join(f"{statuses.count(each)} x {each}" for each in sorted(set(statuses)))
        ordered = sorted(times)
        at = [ordered[min(len(ordered) - 1, int(len(ordered) * part))] * 1000 for part in (0.5, 0.95, 0.99)]
        print(f"| {name} | {counted} | {at[0]:.1f} | {at[1]:.1f} | {at[2]:.1f} | {ordered[-1] * 1000:.1f} |")


async def _run(port, request, seconds) -> tuple[list[int], list[float]]:  # type: ignore[no-untyped-def]
    """Open loop: each request goes out at its moment, over one of the connections that are free."""
    free: asyncio.Queue = asyncio.Queue()
    for _ in range(32):
        free.put_nowait(await asyncio.open_connection("127.0.0.1", port))
    statuses: list[int] = []
    times: list[float] = []

    async def one(number: int, due: float) -> None:
        reader, writer = await free.get()
        writer.write(request(number).encode())
        head = (await reader.readuntil(b"\r\n\r\n")).lower()
        length = int(head.split(b"content-length:")[1].split(b"\r\n")[0])
        await reader.readexactly(length)
        times.append(time.perf_counter() - due)
        statuses.append(int(head.split()[1]))
        free.put_nowait((reader, writer))

    began = time.perf_counter()
    under_way = []
    for number in range(RATE * seconds):
        due = began + number / RATE
        await asyncio.sleep(max(0.0, due - time.perf_counter()))
        under_way.append(asyncio.create_task(one(number, due)))
    await asyncio.gather(*under_way)
    while not free.empty():
        free.get_nowait()[1].close()
    return statuses, times


async def _until_it_answers(port: int) -> None:
    for _ in range(600):
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", port)
        except OSError:
            await asyncio.sleep(0.1)
        else:
            writer.close()
            return
    raise SystemExit("the web server did not start")


def _python(environment: dict[str, str], *arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, *arguments], env=environment, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True
    )
    return done.stdout


def _free_port() -> int:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        return int(listening.getsockname()[1])

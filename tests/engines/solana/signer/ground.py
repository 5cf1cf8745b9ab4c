"""A database, a chain that ticks, a configuration file, and processes on them."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg

from mutoscope.engines.postgres.embedded import EmbeddedServer
from mutoscope.engines.solana.chain import TEST_USDC, SandboxChain
from mutoscope.engines.solana.chain.bank import Pace
from mutoscope.engines.solana.keys import write_new_key
from tests.databases import scratch_database
from tests.engines.solana.signer.house import TREASURY

ROOT = Path(__file__).resolve().parents[4]
# Slots of 25 ms: what takes a real chain a minute takes this one two seconds.
QUICK = Pace(slot_ms=25, confirmed_after=2, finalized_after=8, blockhash_life=60)
CAP = 10**15
CONFIGURATION = """
rpc = ["{url}/?api-key=canary-of-a-provider"]
genesis = "{genesis}"
key_encryption_keys = ["file:{kek}"]
state = "{state}"
pool_target = 50
poll_s = 0.05
[[token]]
name = "SOL"
sweep_to = "{treasury}"
sweep_max = {cap}
sweep_day_max = {cap}
payout_max = {cap}
payout_day_max = {cap}
[[token]]
name = "USDC"
mint = "{usdc}"
decimals = 6
sweep_to = "{treasury}"
sweep_max = {cap}
sweep_day_max = {cap}
"""


class Ground:
    """Where signer processes are started, killed and looked at."""

    def __init__(self, folder: Path, database_url: str, chain: SandboxChain) -> None:
        self.folder = folder
        self.database_url = database_url
        self.chain = chain
        self.kek = write_new_key(folder / "kek")
        self.configuration = folder / "signer.toml"
        self.configuration.touch(0o600)
        self.configuration.write_text(
            CONFIGURATION.format(
                url=chain.url,
                genesis=chain.call("getGenesisHash"),
                kek=self.kek.path,
                state=folder / "state",
                treasury=TREASURY.pubkey(),
                usdc=TEST_USDC.mint,
                cap=CAP,
            )
        )
        self.processes: list[subprocess.Popen[bytes]] = []
        self.name = ""

    def environment(self, database_url: str | None = None) -> dict[str, str]:
        return {
            **{name: value for name, value in os.environ.items() if not name.startswith("MUTOSCOPE_")},
            "DJANGO_SETTINGS_MODULE": "tests.engines.solana.signer.project",
            "PROJECT_DATABASE_URL": database_url or self.database_url,
            "PROJECT_SIGNER_CONFIGURATION": str(self.configuration),
            "PYTHONPATH": f"{ROOT / 'src'}{os.pathsep}{ROOT}",
        }

    def manage(self, *arguments: str, fails: bool = False, database_url: str | None = None) -> str:
        """Run one of Django's commands; what it printed."""
        done = subprocess.run(
            [sys.executable, "-W", "error", "-m", "django", *arguments],
            env=self.environment(database_url),
            capture_output=True,
            text=True,
            timeout=120,
            cwd=ROOT,
            check=False,
        )
        assert (done.returncode != 0) is fails, f"{arguments}:\n{done.stdout}\n{done.stderr}"
        return done.stdout + done.stderr

    def start_signer(self, log: Path, database_url: str | None = None) -> subprocess.Popen[bytes]:
        with log.open("ab") as sink:
            process = subprocess.Popen(
                [sys.executable, "-m", "django", "signer"],
                env=self.environment(database_url),
                stdout=sink,
                stderr=sink,
                cwd=ROOT,
            )
        self.processes.append(process)
        return process

    def rows(self, query: str, *parameters: Any) -> list[tuple[Any, ...]]:
        with psycopg.connect(self.database_url, autocommit=True) as connection:
            cursor = connection.execute(query.encode(), parameters)
            return cursor.fetchall() if cursor.description else []

    def end(self) -> None:
        for process in self.processes:
            if process.poll() is None:
                process.kill()
            process.wait(30)


@contextlib.contextmanager
def open_ground(folder: Path, server: EmbeddedServer) -> Iterator[Ground]:
    """A migrated database of its own and a ticking chain, both gone after the block."""
    with scratch_database(server, "signer") as name, SandboxChain(pace=QUICK, ticking=True) as chain:
        ground = Ground(folder, server.url(name), chain)
        ground.name = name
        ground.manage("migrate", "--verbosity", "0")
        try:
            yield ground
        finally:
            ground.end()


def eventually(condition: Callable[[], Any], what: str, patience_s: float = 60.0) -> Any:
    """Wait until the condition holds; its value."""
    deadline = time.monotonic() + patience_s
    while time.monotonic() < deadline:
        value = condition()
        if value:
            return value
        time.sleep(0.05)
    raise AssertionError(f"{what} did not happen within {patience_s:.0f} s")

"""The example project, as its README says: real processes, a payment by solana-py, and "paid" with the signature."""

from __future__ import annotations

import html
import os
import re
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from solders.keypair import Keypair

from mutoscope.engines.postgres.embedded import EmbeddedServer
from mutoscope.engines.solana.chain import LAMPORTS_PER_SOL, SandboxChain
from tests.databases import scratch_database
from tests.engines.solana.signer.ground import eventually

EXAMPLE = Path(__file__).resolve().parents[4] / "examples" / "solana_shop"
SOL = 'from mutoscope.engines.solana.public import token_model; token_model().objects.create(symbol="SOL", decimals=9)'


@pytest.fixture
def database(postgres_server: EmbeddedServer) -> Iterator[str]:
    with scratch_database(postgres_server, "solana_shop") as name:
        yield postgres_server.url(name)


def test_it_takes_a_payment_from_solana_py_and_prints_paid(database: str, tmp_path: Path) -> None:
    payer = Keypair()
    with SandboxChain() as chain:
        chain.airdrop(payer.pubkey(), LAMPORTS_PER_SOL)
        environment = {
            **os.environ,
            "DJANGO_SETTINGS_MODULE": "project.settings",
            "SHOP_DATABASE_URL": database,
            "SHOP_RPC": chain.url,
            "SHOP_CLUSTER": str(chain.bank.genesis_hash),
            "SHOP_WALLET": str(Keypair().pubkey()),
        }

        def run(*words: str) -> str:
            done = subprocess.run(
                [sys.executable, *words],
                cwd=EXAMPLE,
                env=environment,
                capture_output=True,
                text=True,
                timeout=120,
                check=False,
            )
            assert done.returncode == 0, done.stderr
            return done.stdout

        run("manage.py", "migrate", "--verbosity", "0")
        run("manage.py", "shell", "--no-imports", "-c", SOL)
        with serving(environment, tmp_path) as site:
            page = httpx.get(f"{site}/buy/17/").text
            link = html.unescape(re.search(r'href="(solana:[^"]+)"', page)[1])  # type: ignore[index]
            status = re.search(r'data-status-url="([^"]+)"', page)[1]  # type: ignore[index]
            token = re.search(r'data-token="([^"]+)"', page)[1]  # type: ignore[index]
            assert httpx.get(site + status).status_code == 404
            key = tmp_path / "keypair.json"
            key.write_text(payer.to_json())
            signature = run("pay.py", chain.url, link, str(key)).strip()
            chain.finalize()
            assert f"paid order:17 {signature}\n" in run("manage.py", "solana_watch", "--once")
            stands = httpx.get(site + status, headers={"Payment-Token": token}).json()
            assert (stands["status"], stands["money"], stands["signature"]) == ("settled", "exact", signature)


@contextmanager
def serving(environment: dict[str, str], folder: Path) -> Iterator[str]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    log = folder / "server.log"
    with log.open("wb") as out:
        server = subprocess.Popen(
            [sys.executable, "manage.py", "runserver", "--noreload", f"127.0.0.1:{port}"],
            cwd=EXAMPLE,
            env=environment,
            stdout=out,
            stderr=out,
        )
    try:
        site = f"http://127.0.0.1:{port}"
        eventually(lambda: answers(f"{site}/pay/tokens/") or server.poll() is not None, "the shop answers")
        assert server.poll() is None, log.read_text()
        yield site
    finally:
        server.terminate()
        server.wait(60)


def answers(url: str) -> bool:
    try:
        return httpx.get(url).status_code == 200
    except httpx.TransportError:
        return False

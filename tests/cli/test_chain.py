"""`mutoscope chain`: alone, in `up`, with its faucet, and refused where money is real."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.cli.house import House

ADDRESS = "4dkpqLTGoPxYuAbop38AqTMfxu6NCnxHypHjm39MoyKb"
PATIENCE_S = 90.0


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    house = House(tmp_path / "home")
    yield house
    if house.process is not None:
        house.stop(signal.SIGTERM)


def ask(house: House, method: str, *values: Any) -> Any:
    body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": list(values)}).encode()
    request = urllib.request.Request(f"http://127.0.0.1:{house.chain_port}", data=body)
    with urllib.request.urlopen(request, timeout=30) as answer:
        return json.load(answer)["result"]


def test_it_is_refused_in_production(house: House) -> None:
    for arguments in (["chain"], ["chain", "faucet", ADDRESS, "1"]):
        done = house.run(*arguments, MUTOSCOPE_MODE="production")
        assert done.returncode == 2
        assert "refused in production" in done.stderr
    assert not (house.home / "chain").exists()


def test_an_amount_below_zero_is_refused_as_an_amount(house: House) -> None:
    for amount in ("-5", "-1.5", "-0"):
        done = house.run("chain", "faucet", ADDRESS, amount)
        assert done.returncode == 2
        assert f"{amount} SOL: more than 0" in done.stderr
    assert "--tokn" in house.run("chain", "faucet", ADDRESS, "5", "--tokn", "USDC").stderr


def test_alone_it_serves_gives_and_stops_when_told(house: House) -> None:
    command = [sys.executable, "-m", "mutoscope.cli", "chain"]
    with subprocess.Popen(command, env=house.environment(), stdout=subprocess.PIPE, text=True) as chain:
        assert chain.stdout is not None
        assert f"http://127.0.0.1:{house.chain_port}/" in chain.stdout.readline()
        assert "has 1.5 SOL more" in house.run("chain", "faucet", ADDRESS, "1.5").stdout
        assert "has 2 USDC more" in house.run("chain", "faucet", ADDRESS, "2", "--token", "usdc").stdout
        assert ask(house, "getBalance", ADDRESS, {"commitment": "processed"})["value"] == 1_500_000_000
        assert house.run("chain", "faucet", ADDRESS, "0.0000000001").returncode == 2
        assert "address" in house.run("chain", "faucet", "nobody", "1").stderr
        second = house.run("chain", "--port", str(house.port))
        assert second.returncode == 1
        assert "another process serves the chain" in second.stderr
        slot = ask(house, "getSlot", {"commitment": "processed"})
        deadline = time.monotonic() + PATIENCE_S
        while ask(house, "getSlot", {"commitment": "processed"}) <= slot:
            assert time.monotonic() < deadline, "its clock stands still"
        chain.send_signal(signal.SIGTERM)
        assert chain.wait(PATIENCE_S) == 0
    done = house.run("chain", "faucet", ADDRESS, "1")
    assert done.returncode == 1
    assert "no sandbox chain answers" in done.stderr


def test_up_runs_it_and_says_where(house: House, settled: Path) -> None:
    house.settle(settled)
    house.up()
    assert f"wallet to pay with: http://127.0.0.1:{house.chain_port}/" in house.said()
    assert ask(house, "getHealth") == "ok"
    assert (house.home / "chain" / "chain.sqlite3").exists()
    assert house.stop() == 0

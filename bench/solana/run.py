"""`make bench NAME=solana`: ours and django-solana-payments 1.0.0 on one sandbox chain and one database server.

`SOLANA_BENCH` names what to run, by commas: `ours`, `peer`, `many` (100,000 pending payments); everything without it. `quick` takes a
tenth. The peer takes a quarter of an hour and lives in a virtual environment of its own below var/bench.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

from cryptography.fernet import Fernet
from solders.instruction import AccountMeta, Instruction
from solders.keypair import Keypair
from solders.message import MessageV0
from solders.pubkey import Pubkey
from solders.system_program import TransferParams, transfer
from solders.transaction import VersionedTransaction

from bench.tasks.run import database
from mutoscope.engines.postgres.embedded import EmbeddedServer
from mutoscope.engines.solana.chain import LAMPORTS_PER_SOL, TEST_USDC, Pace, SandboxChain, dispatch

ROOT = Path(__file__).resolve().parents[2]
HERE = Path(__file__).resolve().parent
PEER_HOME = ROOT / "var" / "bench" / "solana-peer"
WORDS = {word for word in os.environ.get("SOLANA_BENCH", "").split(",") if word}
PARTS = WORDS - {"quick"} or {"ours", "peer", "many"}
SCALE = 10 if "quick" in WORDS else 1
LAMPORTS = 10_000_000
PENDING, SOME, MANY = 200 // SCALE, 20 // SCALE, 1000 // SCALE
# The peer takes so long for each that these few tell its rate.
PEER_MANY = 40 // SCALE
SETTLING_S_MAX = 300.0

CROWDS = (1_000 // SCALE, 100_000 // SCALE)

calls: Counter[str] = Counter()


class Client:
    """One side in a process of its own."""

    def __init__(self, command: list[str], environment: dict[str, str]) -> None:
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT, env=os.environ | environment
        )

    def ask(self, line: str) -> tuple[dict[str, Any], int]:
        """The answer, and how many RPC calls it took."""
        assert self.process.stdin
        assert self.process.stdout
        before, began = calls.total(), time.perf_counter()
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()
        answer = self.process.stdout.readline()
        print(f"  {line}: {time.perf_counter() - began:.1f} s", file=sys.stderr, flush=True)
        if not answer:
            raise RuntimeError(f"{line!r} has no answer")
        return json.loads(answer), calls.total() - before

    def close(self) -> None:
        assert self.process.stdin
        self.process.stdin.close()
        self.process.wait(60)


def main() -> None:
    print(f"Solana: {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f} before the run.\n")
    (ROOT / "var" / "bench").mkdir(parents=True, exist_ok=True)
    home = Path(tempfile.mkdtemp(prefix="solana-bench-", dir=ROOT / "var" / "bench"))
    server = EmbeddedServer(home / "postgres")
    server.start()
    try:
        with SandboxChain(pace=Pace(slot_ms=100), ticking=True, airdrop_lamports_max=10**15) as chain:
            count_calls(chain)
            figures = {}
            if "ours" in PARTS:
                figures["ours, one-time wallets"] = ours(server, chain, "wallet")
                figures["ours, reference"] = ours(server, chain, "reference")
            if "peer" in PARTS and install_peer():
                figures["django-solana-payments 1.0.0"] = peer(server, chain)
            if figures:
                print(table(figures) + "\n", flush=True)
            if "many" in PARTS:
                print(table({f"{number:,} pending": many(server, chain, number) for number in CROWDS}))
    finally:
        server.stop()
        shutil.rmtree(home, ignore_errors=True)


def count_calls(chain: SandboxChain) -> None:
    """Count every method that the chain is asked for over HTTP."""
    real = dispatch.call

    def counting(node: Any, name: str, *arguments: Any) -> Any:
        calls[name] += 1
        return real(node, name, *arguments)

    dispatch.call = counting


def environment(chain: SandboxChain, url: str) -> dict[str, str]:
    fee_payer = Keypair()
    chain.airdrop(fee_payer.pubkey(), 1000 * LAMPORTS_PER_SOL)
    merchant = Keypair().pubkey()
    chain.airdrop(merchant, LAMPORTS_PER_SOL)
    chain.give(merchant, 1)
    return {
        "BENCH_DATABASE_URL": url,
        "BENCH_RPC_URL": chain.url,
        "BENCH_GENESIS_HASH": str(chain.bank.genesis_hash),
        "BENCH_MERCHANT": str(merchant),
        "BENCH_FEE_PAYER": json.dumps(list(bytes(fee_payer))),
        "BENCH_FERNET": Fernet.generate_key().decode(),
        "BENCH_MINT": str(TEST_USDC.mint),
        "PYTHONPATH": f"{ROOT / 'src'}{os.pathsep}{ROOT}",
    }


def ours(server: EmbeddedServer, chain: SandboxChain, way: str) -> dict[str, float]:
    with database(server, f"ours_{way}") as url:
        client = Client([sys.executable, "-m", "bench.solana.ours"], environment(chain, url))
        try:
            return measure(client, chain, way, MANY)
        finally:
            client.close()


def many(server: EmbeddedServer, chain: SandboxChain, number: int) -> dict[str, float]:
    """One check of so many payments by one-time wallet, in a process that made none of them, and the most memory it held."""
    with database(server, f"many_{number}") as url:
        variables = environment(chain, url)
        command = [sys.executable, "-m", "bench.solana.ours"]
        maker = Client(command, variables)
        maker.ask(f"crowd {number}")
        maker.close()
        client = Client(command, variables)
        try:
            before = client.ask("memory")[0]["peak_kib"]
            answer, asked = client.ask("check")
            peak = client.ask("memory")[0]["peak_kib"]
        finally:
            client.close()
    return {"accounts": number * 2, "calls": asked, "MiB before": before / 1024, "MiB at most": peak / 1024} | {
        "check s": answer["seconds"]
    }


def peer(server: EmbeddedServer, chain: SandboxChain) -> dict[str, float]:
    with database(server, "peer") as url:
        variables = environment(chain, url) | {"PYTHONPATH": f"{ROOT}{os.pathsep}{HERE}"}
        client = Client([str(PEER_HOME / "bin" / "python"), str(HERE / "peer.py")], variables)
        try:
            return measure(client, chain, "wallet", PEER_MANY)
        finally:
            client.close()


def measure(client: Client, chain: SandboxChain, way: str, many: int) -> dict[str, float]:
    figures: dict[str, float] = {}
    client.ask(f"create {way} 1")
    let_it_become_final(chain)
    client.ask("check")
    client.ask("forget")
    answer, asked = client.ask(f"create {way} {PENDING}")
    figures["create calls"] = asked / PENDING
    figures["create ms"] = answer["seconds"] * 1000 / PENDING
    made = answer["made"]
    let_it_become_final(chain)
    answer, asked = client.ask("check")
    figures["0 paid calls"], figures["0 paid s"] = asked, answer["seconds"]
    pay(chain, made[:SOME])
    already = answer["settled"]
    answer, asked = client.ask("check")
    figures[f"{SOME} paid calls"], figures[f"{SOME} paid s"] = asked, answer["seconds"]
    if answer["settled"] - already != SOME:
        print(f"(only {answer['settled'] - already} of {SOME} were settled)")
    client.ask("forget")
    made = client.ask(f"create {way} {many}")[0]["made"]
    pay(chain, made)
    began, before, settled = time.perf_counter(), answer["settled"], 0
    spent = 0.0
    while settled < many and time.perf_counter() - began < SETTLING_S_MAX:
        answer, _ = client.ask("check")
        spent += answer["seconds"]
        settled = answer["settled"] - before
    figures["settled /s"] = settled / spent
    return figures


def pay(chain: SandboxChain, payments: list[dict[str, Any]]) -> None:
    """Pay each with a transaction of its own, and wait until all are final."""
    payer = Keypair()
    chain.airdrop(payer.pubkey(), 2 * len(payments) * LAMPORTS + LAMPORTS_PER_SOL)
    for payment in payments:
        to = Pubkey.from_string(payment["address"])
        moved = transfer(TransferParams(from_pubkey=payer.pubkey(), to_pubkey=to, lamports=LAMPORTS))
        named = [AccountMeta(Pubkey.from_string(payment["reference"]), False, False)] if payment["reference"] else []
        instruction = Instruction(moved.program_id, moved.data, [*moved.accounts, *named])
        message = MessageV0.try_compile(payer.pubkey(), [instruction], [], chain.blockhash())
        chain.send(VersionedTransaction(message, [payer]))
    let_it_become_final(chain)


def let_it_become_final(chain: SandboxChain) -> None:
    chain.finalize()


def install_peer() -> bool:
    """Put the peer into its own virtual environment, by hash. Whether it is there."""
    stamp = PEER_HOME / "installed"
    wanted = (HERE / "requirements.txt").read_text()
    if stamp.exists() and stamp.read_text() == wanted:
        return True
    subprocess.run([sys.executable, "-m", "venv", "--clear", str(PEER_HOME)], check=True)
    python = PEER_HOME / "bin" / "python"
    command = [str(python), "-m", "pip", "install", "--quiet", "--require-hashes", "-r", str(HERE / "requirements.txt")]
    if subprocess.run(command, check=False).returncode != 0:
        print("(the peer left out: it could not be installed)\n")
        return False
    stamp.write_text(wanted)
    return True


def table(figures: dict[str, dict[str, float]]) -> str:
    columns = list(next(iter(figures.values())))
    lines = ["| | " + " | ".join(columns) + " |", "|---|" + "---|" * len(columns)]
    for who, found in figures.items():
        lines.append(f"| {who} | " + " | ".join(f"{found[name]:,.{_digits(name)}f}" for name in columns) + " |")
    return "\n".join(lines)


def _digits(name: str) -> int:
    return 3 if name.endswith(" s") else 1 if name in {"create calls", "create ms", "settled /s"} else 0


if __name__ == "__main__":
    main()

"""What was acknowledged is there after a restart, after `kill -9` as well, and what was not final can still be undone."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from solders.keypair import Keypair

from mutoscope.engines.solana.chain import TEST_USDC, Commitment, SandboxChain
from mutoscope.engines.solana.chain.store import ChainInUse
from tests.engines.solana.chain.payer import Payer, wire

# Gives money over and over, and says so only afterwards.
GIVER = """
import sys
from pathlib import Path
from solders.pubkey import Pubkey
from mutoscope.engines.solana.chain import SandboxChain
chain = SandboxChain(Path(sys.argv[1]))
to = Pubkey.from_string(sys.argv[2])
chain.airdrop(to, 890_880)
for given in range(1, 1_000_000):
    chain.airdrop(to, 1)
    print(given, flush=True)
"""


def test_a_chain_goes_on_where_it_stopped(tmp_path: Path) -> None:
    chain = SandboxChain(tmp_path)
    payer, to = Payer(chain), Keypair().pubkey()
    chain.give(to, 5_000_000)
    chain.finalize()
    signature = chain.send(payer.transfer(to, 1_000_000))
    kept = payer.transfer(to, 2_000_000)
    head, genesis, wallet = chain.bank.head(), chain.bank.genesis_hash, chain.wallet().address
    chain.stop()

    again = SandboxChain(tmp_path)
    assert (again.bank.genesis_hash, again.bank.head(), again.wallet().address) == (genesis, head, wallet)
    assert (again.balance(to), again.token_balance(to)) == (1_000_000, 5_000_000)
    assert again.balance(to, Commitment.FINALIZED) == 0
    (status,) = again.call("getSignatureStatuses", [str(signature)])["value"]
    assert status["confirmationStatus"] == "processed"
    # A blockhash from before is as good as it was.
    again.call("sendTransaction", wire(kept), {"encoding": "base64"})
    again.roll_back()
    assert (again.balance(to), again.token_balance(to)) == (0, 5_000_000)
    again.stop()


def test_what_was_acknowledged_survives_kill_9(tmp_path: Path) -> None:
    to = Keypair().pubkey()
    command = [sys.executable, "-c", GIVER, str(tmp_path), str(to)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as giver:
        assert giver.stdout is not None
        acknowledged = 0
        for line in giver.stdout:
            acknowledged = int(line)
            if acknowledged == 200:
                os.kill(giver.pid, signal.SIGKILL)
        giver.wait()
    chain = SandboxChain(tmp_path)
    given = chain.balance(to) - 890_880
    # One more may have been kept whose acknowledgement was on its way.
    assert given in (acknowledged, acknowledged + 1)
    chain.advance(2)
    lines = chain.call("getSignaturesForAddress", str(to), {"commitment": "confirmed"})
    assert len(lines) == given + 1
    chain.stop()


def test_one_folder_has_one_chain_at_a_time(tmp_path: Path) -> None:
    chain = SandboxChain(tmp_path)
    with pytest.raises(ChainInUse, match="another process"):
        SandboxChain(tmp_path)
    chain.stop()
    SandboxChain(tmp_path).stop()


def test_others_cannot_read_the_wallets_key(tmp_path: Path) -> None:
    SandboxChain(tmp_path / "chain").stop()
    assert (tmp_path / "chain").stat().st_mode & 0o077 == 0
    assert (tmp_path / "chain" / "chain.sqlite3").stat().st_mode & 0o077 == 0


def test_a_chain_has_the_same_tokens_everywhere_and_a_genesis_of_its_own() -> None:
    first, second = SandboxChain(), SandboxChain()
    assert first.bank.genesis_hash != second.bank.genesis_hash
    for chain in (first, second):
        mint = chain.call("getAccountInfo", str(TEST_USDC.mint), {"encoding": "jsonParsed"})["value"]
        assert json.dumps(mint["data"]["parsed"]["info"]["decimals"]) == "6"

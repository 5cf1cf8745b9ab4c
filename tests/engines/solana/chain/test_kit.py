"""@solana/kit, as a browser wallet would use it, pays on the sandbox chain and is told so by websocket."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest
from solders.keypair import Keypair
from solders.pubkey import Pubkey

from mutoscope.engines.solana.chain import TEST_USDC, Pace, SandboxChain

SCRIPT = Path(__file__).with_name("kit.mjs")
PATIENCE_S = 120


@pytest.mark.parametrize("version", ["legacy", "0", "1"])
def test_kit_transfers_sol_and_tokens(version: str) -> None:
    recipient = Keypair().pubkey()
    with SandboxChain(pace=Pace(slot_ms=50, blockhash_life=1000), ticking=True) as chain:
        arguments = [chain.url, chain.websocket_url, str(TEST_USDC.mint), str(recipient), version]
        with subprocess.Popen(
            ["node", SCRIPT, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        ) as kit:
            assert kit.stdout is not None
            first = kit.stdout.readline()
            if first:
                chain.give(Pubkey.from_string(json.loads(first)["payer"]), 5_000_000)
            said, complaints = kit.communicate(timeout=PATIENCE_S)
        assert kit.returncode == 0, complaints
        told = json.loads(said)
        assert chain.balance(recipient) == 250_000_000
        assert chain.token_balance(recipient) == 1_500_000
    assert str(told["version"]) == version
    assert told["received"] == "1500000"
    assert told["token"] in told["block"]
    assert told["accounts"] == [told["destination"]]
    assert told["meta"]["err"] is None
    after = [b for b in told["meta"]["postTokenBalances"] if b["owner"] == str(recipient)]
    assert [b["uiTokenAmount"]["amount"] for b in after] == ["1500000"]

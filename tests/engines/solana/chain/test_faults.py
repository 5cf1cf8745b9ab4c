"""Faults strike where and as often as they were armed, and only the node they were armed on."""

from __future__ import annotations

import asyncio
import base64
from typing import Any

import httpx
import pytest
from solders.account import Account
from solders.keypair import Keypair
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from mutoscope.engines.solana.chain import TEST_USDC, Fault, Node, SandboxChain, programs
from tests.engines.solana.chain.payer import Payer, refusal, wire

PATIENCE_S = 60.0


def post(node: Node, method: str, *values: Any, timeout_s: float = PATIENCE_S) -> httpx.Response:
    body = {"jsonrpc": "2.0", "id": 1, "method": method, "params": list(values)}
    return httpx.post(node.url, json=body, timeout=timeout_s)


def test_nothing_goes_wrong_until_asked_for() -> None:
    assert SandboxChain().faults.armed() == []


def test_too_many_requests_says_when_to_come_back() -> None:
    with SandboxChain() as chain:
        node = chain.node()
        node.faults.add(Fault.RATE_LIMIT, "getSlot", times=2, seconds=7)
        assert post(node, "getBlockHeight").status_code == 200
        for _ in range(2):
            answer = post(node, "getSlot")
            assert (answer.status_code, answer.headers["retry-after"]) == (429, "7")
            assert answer.json()["error"]["code"] == 429
        assert post(node, "getSlot").status_code == 200


def test_a_time_out_does_nothing_and_a_lost_answer_has_done_it() -> None:
    with SandboxChain() as chain:
        payer, to = Payer(chain), Keypair().pubkey()
        node = chain.node()
        sent = wire(payer.transfer(to, 5_000_000))
        for fault, arrived in ((Fault.TIME_OUT, 0), (Fault.LOSE_ANSWER, 5_000_000)):
            node.faults.add(fault, "sendTransaction", times=1, seconds=3600)
            # The chain answers other callers meanwhile; this one gives up.
            with pytest.raises(httpx.ReadTimeout):
                post(node, "sendTransaction", sent, {"encoding": "base64"}, timeout_s=1)
            assert chain.balance(to) == arrived


def test_a_stale_node_shows_the_past_and_says_how_far_behind_it_is() -> None:
    chain = SandboxChain()
    to = Keypair().pubkey()
    chain.finalize()
    signature = str(chain.airdrop(to, 5_000_000))
    chain.advance(5)
    chain.faults.add(Fault.STALE, slots=10)
    processed = {"commitment": "processed"}
    assert chain.call("getBalance", str(to), processed)["value"] == 0
    assert chain.call("getSlot", processed) == chain.bank.head().number - 10
    assert chain.call("getSignatureStatuses", [signature])["value"] == [None]
    error = refusal(chain, "getHealth")
    assert (error.code, error.message) == (-32005, "Node is behind by 10 slots")
    assert error.data == {"numSlotsBehind": 10}
    error = refusal(chain, "getBalance", str(to), {**processed, "minContextSlot": chain.bank.head().number})
    assert (error.code, error.data) == (-32016, {"contextSlot": chain.bank.head().number - 10})
    chain.faults.clear()
    assert chain.call("getBalance", str(to), processed)["value"] == 5_000_000
    assert chain.call("getHealth") == "ok"


def test_a_lying_node_changes_amount_mint_or_owner_and_an_honest_one_beside_it_does_not() -> None:
    chain = SandboxChain()
    owner = Keypair().pubkey()
    signature = str(chain.give(owner, 5_000_000))
    chain.finalize()
    account = str(TEST_USDC.account_of(owner))
    liar = chain.node("liar")
    truth = chain.call("getTransaction", signature, {"maxSupportedTransactionVersion": 0})

    def lies(fault: Fault, method: str, *values: Any) -> Any:
        from mutoscope.engines.solana.chain import dispatch

        liar.faults.clear()
        liar.faults.add(fault, by=1_000)
        return dispatch.call(liar, method, list(values))

    assert lies(Fault.WRONG_AMOUNT, "getTokenAccountBalance", account)["value"]["amount"] == "5001000"
    assert lies(Fault.WRONG_AMOUNT, "getBalance", str(owner))["value"] == 1_000
    read = {"maxSupportedTransactionVersion": 0}
    (balance,) = lies(Fault.WRONG_AMOUNT, "getTransaction", signature, read)["meta"]["postTokenBalances"]
    assert balance["uiTokenAmount"]["amount"] == "5001000"
    (balance,) = lies(Fault.WRONG_MINT, "getTransaction", signature, read)["meta"]["postTokenBalances"]
    assert balance["mint"] != str(TEST_USDC.mint)
    (balance,) = lies(Fault.WRONG_OWNER, "getTransaction", signature, read)["meta"]["postTokenBalances"]
    assert balance["owner"] != str(owner)
    told = lies(Fault.WRONG_AMOUNT, "getMultipleAccounts", [account], {"encoding": "base64"})["value"][0]
    state = programs.token_account(Account(told["lamports"], base64.b64decode(told["data"][0]), programs.TOKEN_PROGRAM))
    assert state is not None
    assert state.amount == 5_001_000
    sliced = {"encoding": "base64", "dataSlice": {"offset": 64, "length": 8}}
    told = lies(Fault.WRONG_AMOUNT, "getMultipleAccounts", [account], sliced)["value"][0]
    assert int.from_bytes(base64.b64decode(told["data"][0]), "little") == 5_001_000
    assert lies(Fault.WITHHOLD, "getTransaction", signature, read) is None
    assert lies(Fault.WITHHOLD, "getSignaturesForAddress", account) == []
    assert chain.call("getTransaction", signature, read) == truth


def test_dropped_websockets_end_without_a_goodbye_and_a_muted_one_hears_nothing() -> None:
    async def story(chain: SandboxChain) -> None:
        other = chain.node("other")
        async with connect(chain.websocket_url) as first, connect(other.websocket_url) as second:
            for socket in (first, second):
                await socket.send('{"jsonrpc":"2.0","id":1,"method":"slotSubscribe"}')
                assert '"result":1' in str(await asyncio.wait_for(socket.recv(), PATIENCE_S))
            other.faults.add(Fault.MUTE, times=1)
            chain.advance()  # the second does not hear of this one
            chain.advance()
            head = chain.bank.head().number
            assert f'"slot":{head - 1},' in str(await asyncio.wait_for(first.recv(), PATIENCE_S))
            assert f'"slot":{head},' in str(await asyncio.wait_for(second.recv(), PATIENCE_S))
            assert chain.node().drop_websockets() == 1
            assert f'"slot":{head},' in str(await asyncio.wait_for(first.recv(), PATIENCE_S))
            with pytest.raises(ConnectionClosed):
                await asyncio.wait_for(first.recv(), PATIENCE_S)
            await second.send('{"jsonrpc":"2.0","id":2,"method":"getHealth"}')
            assert '"ok"' in str(await asyncio.wait_for(second.recv(), PATIENCE_S))

    with SandboxChain() as chain:
        asyncio.run(story(chain))


def test_orders_are_taken_only_where_they_were_allowed() -> None:
    def order(chain: SandboxChain, method: str, *values: Any, **headers: str) -> httpx.Response:
        body = {"jsonrpc": "2.0", "id": 1, "method": method, "params": list(values)}
        return httpx.post(f"{chain.url}/admin", json=body, headers=headers, timeout=PATIENCE_S)

    with SandboxChain() as chain:
        assert order(chain, "sandboxRollBack", 1).status_code == 404
    with SandboxChain(admin=True) as chain:
        head = chain.bank.head().number
        assert order(chain, "sandboxAdvance", 5).json()["result"] == head + 5
        assert order(chain, "sandboxRollBack", 2).json()["result"] == 2
        armed = order(chain, "sandboxArmFault", "rate_limit", {"methods": ["getSlot"], "times": 3, "seconds": 1})
        assert armed.json()["result"][0]["fault"] == "rate_limit"
        assert post(chain.node(), "getSlot").status_code == 429
        assert order(chain, "sandboxFaults").json()["result"]["root"][0]["times"] == 2
        assert order(chain, "sandboxClearFaults").json()["result"] is True
        assert post(chain.node(), "getSlot").status_code == 200
        assert order(chain, "sandboxAddNode", "second").json()["result"] == f"{chain.url}/nodes/second"
        assert post(chain.node("second"), "getHealth").json()["result"] == "ok"
        assert "`fault`" in order(chain, "sandboxArmFault", "earthquake").json()["error"]["message"]
        assert order(chain, "sandboxAdvance", 1, origin="https://evil.example").status_code == 403
        # The orders are no methods of the node itself.
        assert post(chain.node(), "sandboxRollBack", 1).json()["error"]["code"] == -32601

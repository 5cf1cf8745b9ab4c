"""Nodes that answer nonsense, too much, or never to the end: nothing follows from it, and the next node is asked."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest

from mutoscope.engines.solana.chain import SandboxChain
from mutoscope.engines.solana.conf import Endpoint
from mutoscope.engines.solana.payments.domain.deltas import Unreadable
from mutoscope.engines.solana.payments.tokens import TokenRefused, read_mint_account
from mutoscope.engines.solana.rpc import node as rpc_node
from mutoscope.engines.solana.rpc import questions
from mutoscope.engines.solana.rpc.client import Rpc
from mutoscope.engines.solana.rpc.errors import RpcError, RpcUnavailable
from mutoscope.engines.solana.rpc.limits import OwnPurse
from mutoscope.engines.solana.signer import nodes as signer_nodes
from mutoscope.engines.solana.signer.chain import Chain, ChainUnavailable
from mutoscope.engines.solana.signer.nodes import HttpNode

ADDRESS = "4dkpqLTGoPxYuAbop38AqTMfxu6NCnxHypHjm39MoyKb"
GENESIS = "our network"
HUGE = 10**30
NONSENSE: list[Any] = [
    None, True, 0, -1, 2**63, 2**64, HUGE, 1.5, float("nan"), float("inf"), "", "\0", "\ud800", "x" * 200, [], {}, [[]], [{}],
    [None], {"value": None}, {"value": {}}, {"value": [None, None]}, {"value": ["x"]}, {"value": 5}, {"context": {}, "value": [{}]},
]  # fmt: skip
ACCOUNT = {"lamports": 5, "owner": ADDRESS, "data": ["AAAA", "base64"], "executable": False}
MENTION = {"signature": ADDRESS, "slot": 5, "blockTime": 5, "err": None, "confirmationStatus": "finalized"}
TRANSACTION = {
    "slot": 5,
    "blockTime": 5,
    "meta": {
        "err": None,
        "fee": 5,
        "preBalances": [1],
        "postBalances": [2],
        "preTokenBalances": [],
        "postTokenBalances": [
            {
                "accountIndex": 0,
                "mint": ADDRESS,
                "owner": ADDRESS,
                "programId": ADDRESS,
                "uiTokenAmount": {"amount": "5", "decimals": 6},
            }
        ],
    },
    "transaction": {"signatures": [ADDRESS], "message": {"accountKeys": [ADDRESS]}},
}
QUESTIONS: dict[str, tuple[Callable[[Rpc], Any], Any]] = {
    "balances": (lambda rpc: questions.balances(rpc, [ADDRESS], "finalized"), {"value": [ACCOUNT]}),
    "mentions": (lambda rpc: questions.mentions(rpc, ADDRESS, limit=10), [MENTION]),
    "token accounts": (
        lambda rpc: questions.token_accounts(rpc, ADDRESS),
        {"value": [{"pubkey": ADDRESS, "account": ACCOUNT}]},
    ),
    "finalised": (lambda rpc: questions.finalised_transaction(rpc, ADDRESS), TRANSACTION),
    "confirmed": (lambda rpc: questions.confirmed_transaction(rpc, ADDRESS), TRANSACTION),
    "block time": (lambda rpc: questions.block_time(rpc, 5), 5),
    "rent": (questions.rent_minimum, 5),
    "mint": (lambda rpc: read_mint_account(rpc, ADDRESS), {"value": ACCOUNT}),
}


def damaged(answer: Any) -> Iterator[Any]:
    """The answer with nonsense in the place of each of its parts, one at a time."""
    yield from NONSENSE
    members = answer.items() if isinstance(answer, dict) else enumerate(answer) if isinstance(answer, list) else ()
    for place, member in members:
        for other in damaged(member):
            copy = dict(answer) if isinstance(answer, dict) else list(answer)
            copy[place] = other
            yield copy


def told(value: Any) -> Iterator[Any]:
    """Every text and number in what was read: not in the answer as it came, which is kept to hold a second one against it."""
    if isinstance(value, (str, int)):
        yield value
    elif isinstance(value, dict):
        for key, member in value.items():
            yield from told(key)
            yield from told(member)
    elif isinstance(value, (list, tuple)):
        for member in value:
            yield from told(member)
    elif hasattr(value, "__dataclass_fields__"):
        yield from told([getattr(value, name) for name in value.__dataclass_fields__ if name not in {"node", "value"}])


class Saying:
    """A node whose answers the test chooses. Reading an answer never says more than the answer."""

    def __init__(self, name: str = "rpc.example.com") -> None:
        self.url = f"https://somebody:secret@{name}/secret?api-key=secret"
        self.body = b""

    def answer(self, question: httpx.Request) -> httpx.Response:
        asked = json.loads(question.content)
        if asked["method"] == "getGenesisHash":
            return httpx.Response(200, json={"jsonrpc": "2.0", "id": asked["id"], "result": GENESIS})
        return httpx.Response(200, content=self.body.replace(b"%id", str(asked["id"]).encode()))

    def says(self, result: Any) -> None:
        self.body = b'{"jsonrpc": "2.0", "id": %id, "result": ' + json.dumps(result).encode() + b"}"

    def rpc(self) -> Rpc:
        return Rpc(
            [Endpoint(self.url)],
            GENESIS,
            purse=lambda each: OwnPurse(10**7),
            patience_s=0.0,
            transport=httpx.MockTransport(self.answer),
        )

    def chain(self) -> Chain:
        return Chain(HttpNode(self.url, httpx.Client(transport=httpx.MockTransport(self.answer))))


@pytest.mark.parametrize("name", QUESTIONS)
def test_whatever_a_node_answers_is_read_or_refused_and_fits_the_database(name: str) -> None:
    ask, right = QUESTIONS[name]
    node = Saying()
    rpc = node.rpc()
    for answer in damaged(right):
        node.says(answer)
        rpc.nodes[0].paused_until = 0.0
        try:
            read = ask(rpc)
        except (RpcError, Unreadable, TokenRefused):
            continue
        for each in told(read):
            if isinstance(each, str):
                assert "\0" not in each
                assert each.isascii()
                assert len(each) <= 88, each
            else:
                assert abs(each) < 2**64
    rpc.close()


def test_slots_that_the_database_cannot_count_are_refused() -> None:
    node = Saying()
    rpc = node.rpc()
    node.says([{**MENTION, "slot": 2**63}])
    with pytest.raises(Unreadable):
        questions.mentions(rpc, ADDRESS, limit=10)
    node.says({**TRANSACTION, "slot": 2**63})
    with pytest.raises(Unreadable):
        questions.finalised_transaction(rpc, ADDRESS)
    rpc.close()


def test_a_node_that_lists_more_than_it_was_asked_for_makes_no_more_work() -> None:
    node = Saying()
    rpc = node.rpc()
    node.says([MENTION] * 5000)
    assert len(questions.mentions(rpc, ADDRESS, limit=10)) == 10
    rpc.close()


BODIES = {
    "nothing": b"",
    "no JSON": b"<html>busy</html>",
    "nested without end": b"[" * 200_000,
    "half": b'{"jsonrpc": "2.0", "id": %id, "resu',
    "no text": b"\xff\xfe",
    "a list": b"[]",
    "a number with a million digits": b'{"jsonrpc": "2.0", "id": %id, "result": ' + b"9" * 1_000_000 + b"}",
    "neither": b'{"jsonrpc": "2.0", "id": %id}',
    "an error that is none": b'{"jsonrpc": "2.0", "id": %id, "error": "no"}',
}


@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES)
def test_an_answer_that_is_none_names_the_node_and_keeps_its_secrets(body: bytes) -> None:
    node = Saying()
    node.body = body
    rpc = node.rpc()
    with pytest.raises(RpcUnavailable, match=r"^getSlot: rpc\.example\.com: ") as unavailable:
        rpc.call("getSlot")
    with pytest.raises(ChainUnavailable, match=r"^rpc\.example\.com: position: ") as unknown:
        node.chain().position()
    assert "secret" not in str(unavailable.value) + str(unknown.value)
    rpc.close()


class Dripping(httpx.SyncByteStream):
    """A byte now and then, each in time, and never the last."""

    def __init__(self, clock: list[float], after_s: float, size: int = 1) -> None:
        self.clock, self.after_s, self.size = clock, after_s, size
        self.sent = 0

    def __iter__(self) -> Iterator[bytes]:
        for _ in range(100_000):
            self.clock[0] += self.after_s
            self.sent += 1
            yield b" " * self.size
        raise AssertionError("it was read to the end")


@pytest.mark.parametrize("size", [1, 1024 * 1024], ids=["slow", "huge"])
def test_an_answer_without_an_end_is_left_and_the_next_node_is_asked(
    size: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [1000.0]
    drips: list[Dripping] = []

    def answer(question: httpx.Request) -> httpx.Response:
        asked = json.loads(question.content)
        if asked["method"] == "getGenesisHash":
            return httpx.Response(200, json={"jsonrpc": "2.0", "id": asked["id"], "result": GENESIS})
        if question.url.host == "slow.example.com":
            drips.append(Dripping(now, 5.0 if size == 1 else 0.0, size))
            return httpx.Response(200, stream=drips[-1])
        return httpx.Response(200, json={"jsonrpc": "2.0", "id": asked["id"], "result": 7})

    monkeypatch.setattr(rpc_node.time, "monotonic", lambda: now[0])
    rpc = Rpc(
        [Endpoint("https://slow.example.com"), Endpoint("https://rpc.example.com")],
        GENESIS,
        purse=lambda each: OwnPurse(10**7),
        transport=httpx.MockTransport(answer),
    )
    assert rpc.call("getSlot") == 7
    assert rpc.nodes[0].trouble.startswith("slow.example.com: ")
    assert len(drips) == 1
    monkeypatch.setattr(signer_nodes.time, "monotonic", lambda: now[0])
    slow = Chain(HttpNode("https://slow.example.com", httpx.Client(transport=httpx.MockTransport(answer))))
    with pytest.raises(ChainUnavailable, match=r"^slow\.example\.com: position: "):
        slow.position()
    assert all(drip.sent < 100 for drip in drips)
    rpc.close()


def test_what_the_signer_asks_is_answered_or_unknown_whatever_comes() -> None:
    node = Saying()
    chain = node.chain()
    asks: list[Callable[[], Any]] = [
        chain.genesis,
        chain.position,
        chain.latest_blockhash,
        lambda: chain.accounts([ADDRESS]),
        lambda: chain.statuses([ADDRESS]),
        lambda: chain.transaction(ADDRESS),
        lambda: chain.recent_prices([ADDRESS]),
        lambda: chain.rent(0),
        lambda: chain.simulate(b""),
        lambda: chain.send(b""),
    ]
    for answer in [
        *damaged({"value": [ACCOUNT], "context": {"slot": 5}}),
        *damaged({"absoluteSlot": 5, "blockHeight": 5}),
    ]:
        node.says(answer)
        for ask in asks:
            try:
                ask()
            except ChainUnavailable:
                continue


def test_a_chain_in_this_process_answers_as_before() -> None:
    """The bounds hinder nobody who behaves."""
    with SandboxChain() as chain:
        rpc = Rpc([Endpoint(chain.url)], str(chain.bank.genesis_hash), purse=lambda each: OwnPurse(10**7))
        assert questions.mentions(rpc, ADDRESS, limit=10) == []
        assert questions.rent_minimum(rpc) > 0
        rpc.close()

"""What a server on loopback is sent by broken clients and by pages of other sites."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from solders.keypair import Keypair

from mutoscope.engines.solana.chain import SandboxChain

PATIENCE_S = 60.0
KEY = str(Keypair.from_seed(bytes(32)).pubkey())


@pytest.fixture(scope="module")
def chain() -> Iterator[SandboxChain]:
    with SandboxChain(admin=True) as chain:
        yield chain


@pytest.fixture(scope="module")
def http(chain: SandboxChain) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=chain.url, timeout=PATIENCE_S) as client:
        yield client


def post(http: httpx.Client, body: bytes | str, path: str = "", **headers: str) -> httpx.Response:
    return http.post(path or "/", content=body, headers=headers)


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"", -32700),
        (b"{", -32700),
        (b"\xff\xfe", -32700),
        (b"[" * 40_000, -32700),
        (b"[]", -32600),
        (b"1", -32600),
        (b"null", -32600),
        (b'{"jsonrpc":"2.0","id":1}', -32600),
        (b'{"jsonrpc":"2.0","id":{},"method":"getSlot"}', -32600),
        (b'{"jsonrpc":"2.0","id":1,"method":7}', -32600),
        (b'{"jsonrpc":"2.0","id":1,"method":"getSlut"}', -32601),
        (b'{"jsonrpc":"2.0","id":1,"method":"__class__"}', -32601),
        (b'{"jsonrpc":"2.0","id":1,"method":"getSlot","params":{"a":1}}', -32602),
        (b'{"jsonrpc":"2.0","id":1,"method":"getSlot","params":[1]}', -32602),
        (b'{"jsonrpc":"2.0","id":1,"method":"getSlot","params":[{},{},{},{},{},{}]}', -32602),
    ],
)
def test_malformed_requests_have_the_right_code(http: httpx.Client, body: bytes, code: int) -> None:
    answer = post(http, body)
    assert answer.status_code == 200
    assert answer.json()["error"]["code"] == code


@pytest.mark.parametrize(
    ("method", "values", "named"),
    [
        ("getBalance", [], "pubkey"),
        ("getBalance", [17], "pubkey"),
        ("getBalance", ["0" * 44], "pubkey"),
        ("getBalance", [KEY, {"commitment": "sure"}], "commitment"),
        ("getBalance", [KEY, {"minContextSlot": -1}], "minContextSlot"),
        ("getBalance", [KEY, "finalized"], "config"),
        ("getAccountInfo", [KEY, {"encoding": "xml"}], "encoding"),
        ("getAccountInfo", [KEY, {"dataSlice": {"offset": 1}}], "dataSlice.length"),
        ("getAccountInfo", [KEY, {"dataSlice": 7}], "dataSlice"),
        ("getMultipleAccounts", [[KEY, "x"]], "pubkeys[1]"),
        ("getMultipleAccounts", [[KEY] * 101], "pubkeys"),
        ("getSignatureStatuses", [["x"]], "signatures[0]"),
        ("getSignatureStatuses", [["x"] * 257], "signatures"),
        ("getSignaturesForAddress", [KEY, {"limit": 1001}], "limit"),
        ("getSignaturesForAddress", [KEY, {"limit": True}], "limit"),
        ("getSignaturesForAddress", [KEY, {"before": "x"}], "before"),
        ("getTransaction", ["x"], "signature"),
        ("getMinimumBalanceForRentExemption", [1 << 70], "dataLength"),
        ("getTokenAccountsByOwner", [KEY, {}], "filter"),
        ("sendTransaction", ["%%%", {"encoding": "base64"}], "transaction"),
        ("sendTransaction", ["AAAA", {"encoding": "base64"}], "transaction"),
        ("sendTransaction", ["A" * 9000, {"encoding": "base64"}], "transaction"),
        ("simulateTransaction", [None], "transaction"),
        ("requestAirdrop", [KEY, 1 << 63], "lamports"),
        ("getFeeForMessage", ["AAAA"], "message"),
        ("isBlockhashValid", ["x"], "blockhash"),
    ],
)
def test_a_wrong_parameter_is_named(http: httpx.Client, method: str, values: list[Any], named: str) -> None:
    body = {"jsonrpc": "2.0", "id": 1, "method": method, "params": values}
    error = http.post("/", json=body).json()["error"]
    assert error["code"] == -32602
    assert f"`{named}`" in error["message"]


def test_a_batch_is_answered_member_by_member_and_bounded(http: httpx.Client) -> None:
    one = {"jsonrpc": "2.0", "method": "getHealth"}
    answers = http.post("/", json=[{**one, "id": 1}, one, {**one, "id": "b"}, 5]).json()
    assert [answer["id"] for answer in answers] == [1, "b", None]
    assert [answer.get("result") for answer in answers] == ["ok", "ok", None]
    assert http.post("/", json=[{**one, "id": 1}] * 101).json()["error"]["code"] == -32600


def test_a_huge_body_is_refused_and_the_chain_goes_on(http: httpx.Client) -> None:
    refused = post(http, b"[" + b"1," * 1_000_000)
    # The rest of the body was not read, so that nothing can follow it on this connection.
    assert (refused.status_code, refused.headers.get("connection")) == (413, "close")
    assert post(http, b'{"id":1,"method":"getHealth"}').json()["result"] == "ok"


def test_a_name_made_to_point_here_is_not_answered(http: httpx.Client) -> None:
    for path in ("", "/state.json", "/admin", "/wallet/pay"):
        answer = post(http, b"{}", path, host="evil.example")
        assert answer.status_code == 421
    assert http.get("/state.json", headers={"host": "evil.example:80"}).status_code == 421


@pytest.mark.parametrize("path", ["/wallet/pay", "/wallet/quote", "/wallet/fill-up", "/faucet", "/admin"])
@pytest.mark.parametrize(
    "headers",
    [
        {"content-type": "application/json", "origin": "https://evil.example"},
        {"content-type": "application/json", "origin": "null"},
        {"content-type": "application/json", "origin": "http://localhost:1"},
        {"content-type": "application/json", "sec-fetch-site": "cross-site"},
        {"content-type": "application/json", "sec-fetch-site": "same-site"},
        {"content-type": "text/plain"},
        {"content-type": "application/x-www-form-urlencoded"},
        {},
    ],
)
def test_pages_of_other_sites_cannot_pay_or_give_orders(http: httpx.Client, path: str, headers: dict[str, str]) -> None:
    body = b'{"link": "solana:' + KEY.encode() + b'?amount=1", "id": 1, "method": "sandboxAdvance", "params": [1]}'
    answer = post(http, body, path, **headers)
    assert answer.status_code == 403
    assert "access-control-allow-origin" not in answer.headers


def test_plain_rpc_may_be_asked_by_any_page_and_the_page_itself_may_not_be_framed(http: httpx.Client) -> None:
    preflight = http.options("/", headers={"origin": "https://shop.example"})
    assert (preflight.status_code, preflight.headers["access-control-allow-origin"]) == (204, "*")
    policy = http.get("/").headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert http.get("/nothing").status_code == 404
    assert http.get("/nodes/none").status_code == 404

"""The sandbox wallet reads `solana:` links as @solana/pay does, refuses bad ones by field, and pays with real transactions."""

from __future__ import annotations

import json
import subprocess
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx
import pytest
from solders.keypair import Keypair

from mutoscope.engines.solana.chain import (
    TEST_FEE_TOKEN,
    TEST_USDC,
    NotPaid,
    SandboxChain,
    WrongLink,
    read_link,
)

SCRIPT = Path(__file__).with_name("parse_link.mjs")
# Not drawn: they are part of the tests' names, which every process has to agree on.
TO, REFERENCE, OTHER = (str(Keypair.from_seed(bytes([number]) * 32).pubkey()) for number in (1, 2, 3))
FULL = (
    f"solana:{TO}?amount=1.25&spl-token={TEST_USDC.mint}&reference={REFERENCE}&reference={OTHER}"
    "&label=Caf%C3%A9%20Lux&message=Two+films&memo=order%2317"
)


def as_solana_pay_reads_it(link: str) -> dict[str, Any]:
    done = subprocess.run(["node", SCRIPT, link], capture_output=True, text=True, check=True)
    return dict(json.loads(done.stdout))


@pytest.mark.parametrize("link", [FULL, f"solana:{TO}", f"solana:{TO}?amount=0.000000001"])
def test_links_mean_what_solana_pay_takes_them_to_mean(link: str) -> None:
    theirs = as_solana_pay_reads_it(link)
    ours = read_link(link)
    assert theirs["recipient"] == str(ours.recipient)
    assert (None if "amount" not in theirs else Decimal(theirs["amount"])) == ours.amount
    assert theirs.get("splToken") == (None if ours.mint is None else str(ours.mint))
    assert theirs.get("reference", []) == [str(reference) for reference in ours.references]
    assert [theirs.get(name) for name in ("label", "message", "memo")] == [ours.label, ours.message, ours.memo]


@pytest.mark.parametrize(
    ("link", "field"),
    [
        ("", "link"),
        ("bitcoin:abc", "link"),
        ("solana:https%3A%2F%2Fexample.org%2Fpay", "link"),
        ("solana:" + "1" * 3000, "link"),
        ("solana:", "recipient"),
        ("solana:nobody", "recipient"),
        (f"solana:{TO}?amount=", "amount"),
        (f"solana:{TO}?amount=-1", "amount"),
        (f"solana:{TO}?amount=1e3", "amount"),
        (f"solana:{TO}?amount=.5", "amount"),
        (f"solana:{TO}?amount=NaN", "amount"),
        (f"solana:{TO}?amount=1&amount=2", "amount"),
        (f"solana:{TO}?spl-token=gold", "spl-token"),
        (f"solana:{TO}?reference=17", "reference"),
        (f"solana:{TO}?memo={'x' * 600}", "memo"),
        (f"solana:{TO}?label=%ff", "link"),
    ],
)
def test_a_bad_link_is_refused_by_field(link: str, field: str) -> None:
    with pytest.raises(WrongLink) as refused:
        read_link(link)
    assert refused.value.field == field


@pytest.fixture(scope="module")
def chain() -> SandboxChain:
    return SandboxChain()


def test_paying_moves_the_tokens_and_carries_references_and_memo(chain: SandboxChain) -> None:
    link = read_link(FULL)
    before = chain.token_balance(link.recipient)
    signature = str(chain.pay(FULL))
    assert chain.token_balance(link.recipient) == before + 1_250_000
    chain.finalize()
    (line,) = chain.call("getSignaturesForAddress", REFERENCE)
    assert (line["signature"], line["memo"]) == (signature, "[8] order#17")
    options = {"encoding": "jsonParsed", "maxSupportedTransactionVersion": 0}
    *_, memo, paying = chain.call("getTransaction", signature, options)["transaction"]["message"]["instructions"]
    assert memo["parsed"] == "order#17"
    assert paying["parsed"]["type"] == "transferChecked"


def test_paying_in_sol_and_in_a_token_with_a_fee(chain: SandboxChain) -> None:
    to = Keypair().pubkey()
    chain.pay(f"solana:{to}?amount=0.5")
    assert chain.balance(to) == 500_000_000
    chain.give(chain.wallet().address, 2_000_000, TEST_FEE_TOKEN)
    chain.pay(f"solana:{to}?amount=1&spl-token={TEST_FEE_TOKEN.mint}")
    assert chain.token_balance(to, TEST_FEE_TOKEN) == 990_000


def test_the_same_link_twice_is_two_payments(chain: SandboxChain) -> None:
    to = Keypair().pubkey()
    first, second = (chain.pay(f"solana:{to}?amount=0.5") for _ in range(2))
    assert first != second
    assert chain.balance(to) == 1_000_000_000


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("amount=0.0000001&spl-token={usdc}", "amount"),
        ("amount=1&spl-token={to}", "spl-token"),
        ("", "amount"),
        ("amount=99999999999999999999", "amount"),
    ],
)
def test_what_this_chain_cannot_pay_is_refused_by_field(chain: SandboxChain, query: str, field: str) -> None:
    with pytest.raises(WrongLink) as refused:
        chain.pay(f"solana:{TO}?" + query.format(usdc=TEST_USDC.mint, to=TO))
    assert refused.value.field == field


def test_a_token_account_is_no_recipient(chain: SandboxChain) -> None:
    account = TEST_USDC.account_of(chain.wallet().address)
    with pytest.raises(WrongLink, match="recipient"):
        chain.pay(f"solana:{account}?amount=1&spl-token={TEST_USDC.mint}")


def test_more_than_it_holds_and_less_than_rent_are_refused_in_words(chain: SandboxChain) -> None:
    with pytest.raises(NotPaid, match="less USDC"):
        chain.pay(f"solana:{TO}?amount=1000000&spl-token={TEST_USDC.mint}")
    with pytest.raises(NotPaid, match=r"0\.00089088 SOL"):
        chain.pay(f"solana:{Keypair().pubkey()}?amount=0.0001")


def test_programs_pay_by_json(chain: SandboxChain) -> None:
    to = Keypair().pubkey()
    with SandboxChain() as served, httpx.Client(base_url=served.url, timeout=60) as http:
        link = f"solana:{to}?amount=0.5&label=Shop"
        quote = http.post("/wallet/quote", json={"link": link}).json()
        assert (quote["amount"], quote["decimals"], quote["symbol"], quote["label"]) == ("500000000", 9, "SOL", "Shop")
        paid = http.post("/wallet/pay", json={"link": link})
        assert paid.status_code == 200
        assert served.balance(to) == 500_000_000
        wrong = http.post("/wallet/pay", json={"link": f"solana:{to}?amount=1e9"})
        assert (wrong.status_code, wrong.json()["field"]) == (422, "amount")
        poor = http.post("/wallet/pay", json={"link": f"solana:{to}?amount=1000000"})
        assert poor.status_code == 409
        given = {"address": str(to), "amount": 3_000_000, "token": "USDC"}
        assert http.post("/faucet", json=given).status_code == 200
        assert served.token_balance(to) == 3_000_000
        assert http.post("/faucet", json={**given, "token": "GOLD"}).json()["field"] == "token"
        assert http.post("/faucet", json={**given, "amount": -1}).json()["field"] == "amount"

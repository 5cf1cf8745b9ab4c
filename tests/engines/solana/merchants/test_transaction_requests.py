"""Solana Pay's second kind of link: the site hands out the transaction, a wallet signs it, and the payment is settled."""

from __future__ import annotations

import json
from base64 import b64decode
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import httpx
import pytest
from django.test import Client
from solders.keypair import Keypair
from solders.transaction import Transaction

from mutoscope.engines.solana.chain import WrongLink
from mutoscope.engines.solana.endpoints import transaction_links
from mutoscope.engines.solana.payments.domain.states import Money, Status
from tests.engines.solana.payments.shop import SOL, USDC, Shop


def links_of(payment: Any, rf: Any, host: str = "testserver") -> dict[str, str]:
    return transaction_links(rf.get("/", headers={"Host": host}), payment)


def path_of(link: str) -> str:
    return link.split("testserver", 1)[1]


class Site:
    """The site, answered by the test's thread, which is in the database's transaction; wallets run in another."""

    def __init__(self, client: Client) -> None:
        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.tell(client.get(self.path))

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                self.tell(client.post(self.path, body, "application/json"))

            def tell(self, said: Any) -> None:
                self.send_response(said.status_code)
                self.end_headers()
                self.wfile.write(said.content)

            def log_message(self, *_: Any) -> None:
                """Nothing."""

        self.server = HTTPServer(("127.0.0.1", 0), Handler)
        self.server.timeout = 60
        self.host = f"127.0.0.1:{self.server.server_port}"
        self._wallet = ThreadPoolExecutor(1)

    def while_asked(self, act: Callable[..., Any], *arguments: Any) -> Any:
        """What `act` returns, which asks this site twice: whose it is, and for the transaction."""
        acting = self._wallet.submit(act, *arguments)
        for _ in range(2):
            self.server.handle_request()
        return acting.result(60)

    def close(self) -> None:
        self.server.server_close()
        self._wallet.shutdown()


@pytest.fixture
def site(client: Client) -> Iterator[Site]:
    with closing(Site(client)) as opened:
        yield opened


@pytest.mark.parametrize(("by", "mint"), [("reference", USDC), ("wallet", SOL)], ids=["reference", "wallet"])
def test_the_sandbox_wallet_pays_one(selling: Shop, site: Site, rf: Any, by: str, mint: str) -> None:
    payment = selling.offer({SOL: 500_000_000, USDC: 70_000_000}, by)
    link = links_of(payment, rf, site.host)[mint]
    signature = site.while_asked(selling.chain.wallet().pay, link)
    selling.look()
    assert selling.stands(payment) == (Status.SETTLED, Money.EXACT)
    assert payment.signature == str(signature)


@pytest.mark.parametrize(
    ("by", "mint", "shown"),
    [("reference", USDC, (70_000_000, 6, "USDC")), ("wallet", SOL, (500_000_000, 9, "SOL"))],
    ids=["reference", "wallet"],
)
def test_the_wallets_form_shows_what_it_asks_for_and_pays_it(
    selling: Shop, site: Site, rf: Any, by: str, mint: str, shown: tuple[int, int, str]
) -> None:
    """By what the sandbox page's form sends: a quote, for which the chain runs the transaction and undoes it, and the payment."""
    payment = selling.offer({SOL: 500_000_000, USDC: 70_000_000}, by)
    link = links_of(payment, rf, site.host)[mint]
    wallet = selling.chain.wallet()
    before = selling.chain.balance(wallet.address), selling.chain.token_balance(wallet.address)

    def ask(path: str) -> Any:
        return httpx.post(f"{selling.chain.url}/wallet/{path}", json={"link": link}, timeout=60)

    quote = site.while_asked(ask, "quote").json()
    assert (int(quote["amount"]), quote["decimals"], quote["symbol"]) == shown
    assert (quote["recipient"], quote["label"]) == (payment.recipient, "testserver")
    assert quote["makes_account"] == (mint == USDC)
    assert before == (selling.chain.balance(wallet.address), selling.chain.token_balance(wallet.address))
    assert site.while_asked(ask, "pay").status_code == 200
    selling.look()
    assert selling.stands(payment) == (Status.SETTLED, Money.EXACT)


def test_the_wallets_form_says_why_it_cannot_be_paid(selling: Shop, site: Site, rf: Any) -> None:
    payment = selling.offer({USDC: 10**12})
    link = links_of(payment, rf, site.host)[USDC]
    with pytest.raises(WrongLink, match="link: asks for what the chain would refuse"):
        site.while_asked(selling.chain.wallet().quote, link)


def test_it_says_whose_it_is_to_every_origin(selling: Shop, client: Client, rf: Any) -> None:
    payment = selling.offer({SOL: 500_000_000})
    answer = client.get(path_of(links_of(payment, rf)[SOL]))
    assert answer["Access-Control-Allow-Origin"] == "*"
    assert answer.json()["label"] == "testserver"
    assert answer.json()["icon"].endswith("/icon.svg")


def test_after_a_part_has_arrived_it_asks_for_the_rest(selling: Shop, client: Client, rf: Any) -> None:
    payment = selling.offer({SOL: 500_000_000})
    selling.pay(payment, 200_000_000)
    selling.look()
    account = str(Keypair().pubkey())
    told = client.post(path_of(links_of(payment, rf)[SOL]), {"account": account}, "application/json").json()
    paying = Transaction.from_bytes(b64decode(told["transaction"])).message.instructions[-1]
    # SystemInstruction::Transfer is number 2, and the lamports follow.
    assert bytes(paying.data) == (2).to_bytes(4, "little") + (300_000_000).to_bytes(8, "little")


@pytest.mark.parametrize(
    "body", ["", "[]", "{}", '{"account": 1}', '{"account": "x"}'], ids=["empty", "list", "nothing", "number", "text"]
)
def test_a_body_without_an_account_is_refused(selling: Shop, client: Client, rf: Any, body: str) -> None:
    payment = selling.offer({SOL: 500_000_000})
    assert client.post(path_of(links_of(payment, rf)[SOL]), body, "application/json").status_code == 400


def test_nobody_is_asked_to_pay_what_is_over_or_not_his(selling: Shop, client: Client, rf: Any) -> None:
    payment, other = selling.offer({SOL: 500_000_000}), selling.offer({SOL: 500_000_000})

    def ask(path: str) -> int:
        body = json.dumps({"account": str(Keypair().pubkey())})
        return client.post(path, body, "application/json").status_code

    path = path_of(links_of(payment, rf)[SOL])
    assert ask(path) == 200
    assert ask(path.replace(payment.public_id, other.public_id)) == 404
    assert ask(path.replace("/SOL/", f"/{USDC}/")) == 404
    selling.let_time_pass(payment)
    assert ask(path) == 410


def test_the_sandbox_wallet_asks_this_machine_only(selling: Shop) -> None:
    with pytest.raises(WrongLink, match="another machine"):
        selling.chain.wallet().pay("solana:https://shop.example/pay/1")

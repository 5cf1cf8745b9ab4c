"""Solana Pay's second kind of link: the site hands out the transaction, a wallet signs it, and the payment is settled."""

from __future__ import annotations

import json
from base64 import b64decode
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

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


@pytest.mark.parametrize(("by", "mint"), [("reference", USDC), ("wallet", SOL)], ids=["reference", "wallet"])
def test_the_sandbox_wallet_pays_one(selling: Shop, client: Client, rf: Any, by: str, mint: str) -> None:
    payment = selling.offer({SOL: 500_000_000, USDC: 70_000_000}, by)

    class Site(BaseHTTPRequestHandler):
        """The site, answered by this thread, which is in the database's transaction."""

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

    with HTTPServer(("127.0.0.1", 0), Site) as site, ThreadPoolExecutor(1) as wallet:
        link = links_of(payment, rf, f"127.0.0.1:{site.server_port}")[mint]
        paid = wallet.submit(selling.chain.wallet().pay, link)
        site.timeout = 60
        # What it is, and then the transaction.
        site.handle_request()
        site.handle_request()
        signature = paid.result(60)
    selling.look()
    assert selling.stands(payment) == (Status.SETTLED, Money.EXACT)
    assert payment.signature == str(signature)


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

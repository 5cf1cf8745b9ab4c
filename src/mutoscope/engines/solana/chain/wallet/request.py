"""Transaction requests, as a wallet follows them: ask whose link it is, name the account, get the transaction to sign.

Only addresses of this machine are asked: a sandbox wallet has nobody else to pay.
Source: https://docs.solanapay.com/spec#specification-transaction-request
"""

from __future__ import annotations

import base64
import json
import urllib.request
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote, urlsplit

from solders.hash import Hash
from solders.message import Message
from solders.pubkey import Pubkey
from solders.transaction import Transaction

from mutoscope.engines.solana.chain.wallet.link import LINK_CHARACTERS_MAX, TEXT_CHARACTERS_MAX, WrongLink

TIMEOUT_S = 20.0
ANSWER_BYTES_MAX = 64 * 1024
LOCAL = ("127.0.0.1", "localhost", "::1")


def request_url(link: str) -> str | None:
    """The address that a link asks to be asked; None for a transfer request. Raises WrongLink for one elsewhere."""
    scheme, _, rest = link.strip().partition(":")
    if scheme.lower() != "solana" or len(link) > LINK_CHARACTERS_MAX:
        return None
    url = unquote(rest) if rest.lower().startswith(("http%3a", "https%3a")) else rest
    if not url.lower().startswith(("http:", "https:")):
        return None
    if urlsplit(url).hostname not in LOCAL:
        raise WrongLink("link", "is a transaction request of another machine, which this wallet does not ask")
    return url


@dataclass(frozen=True, slots=True)
class Requested:
    """What a site wants signed: whose site it is, what it says of it, and the message."""

    label: str
    text: str | None
    message: Message


def fetch_request(url: str, payer: Pubkey, blockhash: Hash) -> Requested:
    """What to sign, with a fresh blockhash and the payer as who pays its fee. Raises WrongLink for anything else."""
    told = _ask(url)
    if not isinstance(told.get("label"), str) or not isinstance(told.get("icon"), str):
        raise WrongLink("link", "leads to something that does not say whose it is")
    answer = _ask(url, {"account": str(payer)})
    try:
        given = Transaction.from_bytes(base64.b64decode(answer["transaction"], validate=True))
    except (KeyError, TypeError, ValueError) as error:
        raise WrongLink("link", f"leads to something that is no transaction: {error}") from None
    message = given.message
    header = message.header
    if message.account_keys[0] != payer or header.num_required_signatures != 1:
        raise WrongLink("link", "asks for signatures that this wallet does not give")
    fresh = Message.new_with_compiled_instructions(
        header.num_required_signatures,
        header.num_readonly_signed_accounts,
        header.num_readonly_unsigned_accounts,
        message.account_keys,
        blockhash,
        message.instructions,
    )
    text = answer.get("message")
    return Requested(told["label"][:TEXT_CHARACTERS_MAX], text if isinstance(text, str) else None, fresh)


def _ask(url: str, body: dict[str, str] | None = None) -> dict[str, Any]:
    data = None if body is None else json.dumps(body).encode()
    asked = urllib.request.Request(url, data, {"Content-Type": "application/json", "Accept": "application/json"})  # noqa: S310 - checked above
    # No proxy: the address is this machine's.
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(asked, timeout=TIMEOUT_S) as answer:
            read = json.loads(answer.read(ANSWER_BYTES_MAX))
    except (OSError, ValueError) as error:
        raise WrongLink("link", f"is not answered: {error}") from None
    if not isinstance(read, dict):
        raise WrongLink("link", "is answered with something else than an object")
    return read

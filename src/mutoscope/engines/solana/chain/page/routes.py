"""The page's files and the wallet's endpoints.

A page of any site in the same browser can send requests here. So what pays or changes something is answered only to
this page itself and to programs: JSON, no `Origin` but our own, nothing that a form or an image could send.
"""

from __future__ import annotations

import asyncio
import json
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from solders.pubkey import Pubkey

from mutoscope.engines.solana.chain.asgi import Headers, Receive, Scope, Send, header, read_body, respond
from mutoscope.engines.solana.chain.bank import Refused
from mutoscope.engines.solana.chain.page.summary import summary
from mutoscope.engines.solana.chain.params import U64_MAX
from mutoscope.engines.solana.chain.tokens import TEST_TOKENS
from mutoscope.engines.solana.chain.transaction_errors import sentence
from mutoscope.engines.solana.chain.wallet.link import WrongLink
from mutoscope.engines.solana.chain.wallet.wallet import NotPaid

if TYPE_CHECKING:
    from mutoscope.engines.solana.chain.sandbox import SandboxChain

FILES = {
    "/": ("page.html", "text/html; charset=utf-8"),
    "/page.css": ("page.css", "text/css; charset=utf-8"),
    "/page.js": ("page.js", "text/javascript; charset=utf-8"),
}
PROTECTION: Headers = [
    (
        b"content-security-policy",
        (
            b"default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:;"
            b" base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
        ),
    ),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"cache-control", b"no-store"),
]
REFUSED_ORIGIN = "Only this page and programs on this machine may do that."


async def show(chain: SandboxChain, scope: Scope, send: Send) -> bool:
    """Answer a GET that is the page's. Returns whether it was."""
    path = scope["path"]
    if path == "/state.json":
        await _json(send, 200, summary(chain))
        return True
    if path not in FILES:
        return False
    name, kind = FILES[path]
    content = files(__package__).joinpath(name).read_bytes()
    await respond(send, 200, content, kind, PROTECTION)
    return True


async def act(chain: SandboxChain, scope: Scope, receive: Receive, send: Send) -> bool:
    """Answer a POST that is the wallet's. Returns whether it was."""
    action = ACTIONS.get(scope["path"])
    if action is None:
        return False
    problem = foreign(scope)
    if problem is not None:
        await _json(send, 403, {"problem": problem})
        return True
    body = await read_body(receive)
    try:
        given = json.loads(body) if body else {}
    except (ValueError, RecursionError):
        given = None
    if not isinstance(given, dict):
        await _json(send, 400, {"problem": "The body must be a JSON object."})
        return True
    try:
        # In a thread: a transaction request makes the wallet ask a site, which may take its time.
        await _json(send, 200, await asyncio.to_thread(action, chain, given))
    except WrongLink as wrong:
        await _json(send, 422, {"field": wrong.field, "problem": wrong.problem})
    except NotPaid as refused:
        await _json(send, 409, {"problem": str(refused)})
    except Refused as refused:
        await _json(send, 409, {"problem": sentence(refused.error)})
    return True


def foreign(scope: Scope) -> str | None:
    """Why this request may not change anything, or None."""
    origin = header(scope, b"origin")
    if origin is not None and origin != f"http://{header(scope, b'host')}":
        return REFUSED_ORIGIN
    if header(scope, b"sec-fetch-site") not in (None, "same-origin", "none"):
        return REFUSED_ORIGIN
    if (header(scope, b"content-type") or "").partition(";")[0].strip().lower() != "application/json":
        return "The content type must be application/json."
    return None


def _quote(chain: SandboxChain, given: dict[str, Any]) -> dict[str, Any]:
    quote = chain.wallet().quote(_text(given, "link"), _amount(given))
    request = quote.request
    return {
        "recipient": str(request.recipient),
        "amount": str(quote.amount),
        "decimals": quote.decimals,
        "symbol": quote.symbol,
        "makes_account": quote.makes_account,
        "references": [str(reference) for reference in request.references],
        "label": request.label,
        "message": request.message,
        "memo": request.memo,
    }


def _pay(chain: SandboxChain, given: dict[str, Any]) -> dict[str, Any]:
    return {"signature": str(chain.wallet().pay(_text(given, "link"), _amount(given)))}


def _sign(chain: SandboxChain, given: dict[str, Any]) -> dict[str, Any]:
    wallet = chain.wallet()
    return {"address": str(wallet.address), "signature": str(wallet.sign_message(_text(given, "message")))}


def _fill_up(chain: SandboxChain, given: dict[str, Any]) -> dict[str, Any]:
    wallet = chain.wallet()
    wallet.fill_up()
    return {"address": str(wallet.address)}


def _give(chain: SandboxChain, given: dict[str, Any]) -> dict[str, Any]:
    """Play money for anybody: `amount` base units of `token`, which is SOL or the symbol of a test token."""
    try:
        address = Pubkey.from_string(_text(given, "address"))
    except ValueError:
        raise WrongLink("address", "is not a Solana address") from None
    amount = _amount(given)
    if amount is None or amount > U64_MAX:
        raise WrongLink("amount", "must be a whole number of base units")
    symbol = given.get("token", "SOL")
    token = next((token for token in TEST_TOKENS.values() if token.symbol == symbol), None)
    if token is None and symbol != "SOL":
        raise WrongLink("token", "must be SOL, " + " or ".join(token.symbol for token in TEST_TOKENS.values()))
    if token is None:
        if amount > chain.airdrop_lamports_max:
            raise WrongLink("amount", f"is more than the {chain.airdrop_lamports_max} lamports given at once")
        return {"signature": str(chain.airdrop(address, amount))}
    return {"signature": str(chain.give(address, amount, token))}


ACTIONS = {
    "/wallet/quote": _quote,
    "/wallet/pay": _pay,
    "/wallet/sign": _sign,
    "/wallet/fill-up": _fill_up,
    "/faucet": _give,
}


def _text(given: dict[str, Any], name: str) -> str:
    value = given.get(name)
    if not isinstance(value, str) or not value:
        raise WrongLink(name, "is missing")
    return value


def _amount(given: dict[str, Any]) -> int | None:
    value = given.get("amount")
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise WrongLink("amount", "must be a whole number of base units")
    return value


async def _json(send: Send, status: int, value: Any) -> None:
    await respond(send, status, json.dumps(value).encode(), headers=PROTECTION)

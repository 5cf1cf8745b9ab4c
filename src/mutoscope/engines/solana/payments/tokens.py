"""Accepting tokens: what the chain says of a mint against what is configured."""

from __future__ import annotations

import base64
import binascii
import logging
from collections.abc import Iterable
from typing import Any

from mutoscope.engines.services import Failure
from mutoscope.engines.solana.payments.abstract import AbstractToken
from mutoscope.engines.solana.payments.domain.amounts import DECIMALS_MAX
from mutoscope.engines.solana.payments.domain.deltas import Unreadable
from mutoscope.engines.solana.payments.domain.mints import Mint, NotAMint, problems, read_mint
from mutoscope.engines.solana.payments.swapped import token_model
from mutoscope.engines.solana.rpc.client import Rpc, default_rpc

log = logging.getLogger(__name__)


class TokenRefused(Failure):
    """This token cannot be accepted safely."""

    mint: str
    problems: list[str]


def accept_token(
    symbol: str, mint: str, *, extensions: Iterable[str] = (), rpc: Rpc | None = None, **columns: Any
) -> AbstractToken:
    """Add a token, with its program and decimals as the chain says. Asks a node, once. Raises TokenRefused.

    `extensions` are the Token-2022 extensions that this mint may have: name them only after reading what they can do.
    """
    allowed = frozenset(extensions)
    found = read_mint_account(rpc or default_rpc(), mint)
    refused = problems(found, program=found.program, decimals=found.decimals, allowed=allowed)
    if found.decimals > DECIMALS_MAX:
        refused.append(f"it has {found.decimals} decimals")
    if refused:
        raise TokenRefused(mint=mint, problems=refused)
    token: AbstractToken = token_model().objects.create(
        symbol=symbol, mint=mint, program=found.program, decimals=found.decimals, extensions=sorted(allowed), **columns
    )
    return token


def check_tokens(rpc: Rpc) -> dict[str, list[str]]:
    """Hold every active token against the chain, and stop offering those that changed. Returns the problems by symbol.

    A mint's authority may add to what it can do, such as pausing it; nobody tells us.
    """
    found: dict[str, list[str]] = {}
    for token in token_model().objects.filter(is_active=True).exclude(mint=""):
        try:
            wrong = problems(
                read_mint_account(rpc, token.mint),
                program=token.program,
                decimals=token.decimals,
                allowed=frozenset(token.extensions),
            )
        except TokenRefused as refused:
            wrong = refused.problems
        if wrong:
            found[token.symbol] = wrong
            log.error(
                "token switched off",
                extra={"action": "token_switched_off", "mint": token.mint, "why": "; ".join(wrong)},
            )
            token_model().objects.filter(pk=token.pk).update(is_active=False)
    return found


def read_mint_account(rpc: Rpc, address: str) -> Mint:
    """The mint as it is on chain. Raises TokenRefused where there is none, Unreadable for an answer that is none."""
    answer = rpc.call("getAccountInfo", address, {"encoding": "base64", "commitment": "finalized"})
    try:
        value = answer["value"]
        if value is None:
            raise TokenRefused(mint=address, problems=["there is no such account"])
        return read_mint(value["owner"], base64.b64decode(value["data"][0], validate=True))
    except NotAMint as problem:
        raise TokenRefused(mint=address, problems=[str(problem)]) from None
    except (KeyError, TypeError, IndexError, binascii.Error) as error:
        raise Unreadable(f"not an account: {error}") from error

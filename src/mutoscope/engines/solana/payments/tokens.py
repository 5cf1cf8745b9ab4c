"""Accepting tokens: what the chain says of a mint against what is configured."""

from __future__ import annotations

import base64
import binascii
import logging
from collections.abc import Iterable
from typing import Any

from django.core.exceptions import FieldDoesNotExist, ValidationError
from django.db import IntegrityError, router, transaction
from django.db.models import Field

from mutoscope.engines.services import Failure
from mutoscope.engines.solana.payments.abstract import AbstractToken
from mutoscope.engines.solana.payments.domain.addresses import is_address
from mutoscope.engines.solana.payments.domain.amounts import DECIMALS_MAX
from mutoscope.engines.solana.payments.domain.deltas import Unreadable
from mutoscope.engines.solana.payments.domain.mints import Mint, NotAMint, problems, read_mint
from mutoscope.engines.solana.payments.swapped import token_model
from mutoscope.engines.solana.rpc.client import Rpc, default_rpc

log = logging.getLogger(__name__)

READ_FROM_CHAIN = frozenset({"id", "program", "decimals"})


class TokenRefused(Failure):
    """This token cannot be accepted safely."""

    mint: str
    problems: list[str]


def accept_token(
    symbol: str, mint: str, *, extensions: Iterable[str] = (), rpc: Rpc | None = None, **columns: Any
) -> AbstractToken:
    """Add a token, with its program and decimals as the chain says. Asks a node, once. Raises TokenRefused.

    Again with the same content it returns the row that is there, active or not, and asks nobody: a deployment may call it each time.
    With another content it is refused, since who changes what is accepted should do so on purpose.

    `extensions` are the Token-2022 extensions that this mint may have: name them only after reading what they can do.
    """
    allowed = frozenset([extensions] if isinstance(extensions, str) else extensions)
    wanted = {"symbol": symbol, "extensions": sorted(allowed), **columns}
    if wrong := _unacceptable(mint, wanted):
        raise TokenRefused(mint=str(mint), problems=wrong)
    if known := _known(mint, wanted):
        return known
    found = read_mint_account(rpc or default_rpc(), mint)
    refused = problems(found, program=found.program, decimals=found.decimals, allowed=allowed)
    if found.decimals > DECIMALS_MAX:
        refused.append(f"it has {found.decimals} decimals")
    if refused:
        raise TokenRefused(mint=mint, problems=refused)
    row = {"mint": mint, "program": found.program, "decimals": found.decimals, **wanted}
    try:
        with transaction.atomic(using=router.db_for_write(token_model())):
            token: AbstractToken = token_model().objects.create(**row)
    except IntegrityError:
        # Another process was as quick.
        if known := _known(mint, wanted):
            return known
        raise
    return token


def _unacceptable(mint: str, wanted: dict[str, Any]) -> list[str]:
    """What can be told without asking anybody, by the name of the field."""
    found = []
    if mint == "":
        found.append('mint: SOL has none. Its row is token_model().objects.create(symbol="SOL", decimals=9)')
    elif not is_address(str(mint)):
        found.append(f"mint: {mint!r} is no address, which is 32 bytes in base58, as the token's issuer publishes it")
    for name, value in wanted.items():
        if name in READ_FROM_CHAIN:
            found.append(f"{name}: is read from the chain")
            continue
        try:
            field = token_model()._meta.get_field(name)
            # Relations are the project's own, and looked at by the database.
            if isinstance(field, Field) and not field.is_relation:
                field.clean(value, None)
        except FieldDoesNotExist:
            found.append(f"{name}: there is no such column")
        except ValidationError as error:
            found += [f"{name}: {message}" for message in error.messages]
    return found


def _known(mint: str, wanted: dict[str, Any]) -> AbstractToken | None:
    """The row of this mint, if it is as wanted; None where there is none. Raises TokenRefused where it is another."""
    token: AbstractToken | None = token_model().objects.filter(mint=mint).first()
    if token is None:
        return None
    different = [
        f"{name}: it is accepted already, with {getattr(token, name)!r} and not {value!r}. Change that row on purpose, or ask for it as it is"
        for name, value in wanted.items()
        if (sorted(token.extensions) if name == "extensions" else getattr(token, name)) != value
    ]
    if different:
        raise TokenRefused(mint=mint, problems=different)
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
                "token %s switched off: %s",
                token.mint,
                "; ".join(wrong),
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
    except (LookupError, TypeError, ValueError, binascii.Error) as error:
        raise Unreadable(f"not an account: {error}") from error

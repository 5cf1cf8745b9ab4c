"""Instructions in words, as `jsonParsed` has them: those of the system, token, associated token account and memo programs.

Any other is answered undecoded, as a node does. Source: Agave's `transaction-status/src/parse_*.rs`.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import Any

from solders.pubkey import Pubkey

from mutoscope.engines.solana.chain import base58, programs
from mutoscope.engines.solana.chain.meta import MEMO_PROGRAMS, token_amount

Keys = list[str]
Parsed = dict[str, Any]


def instruction_json(program: Pubkey, accounts: Keys, data: bytes, stack_height: int | None) -> dict[str, Any]:
    """One instruction, in words where its program is known and it is well formed."""
    name, parse = PARSERS.get(program, ("", None))
    try:
        parsed = None if parse is None else parse(accounts, data)
    except (IndexError, struct.error, ValueError):
        parsed = None
    if parsed is None:
        return {
            "programId": str(program),
            "accounts": accounts,
            "data": base58.encode(data),
            "stackHeight": stack_height,
        }
    return {"program": name, "programId": str(program), "parsed": parsed, "stackHeight": stack_height}


def _said(kind: str, **info: Any) -> Parsed:
    return {"type": kind, "info": info}


def _system(accounts: Keys, data: bytes) -> Parsed | None:
    (kind,) = struct.unpack_from("<I", data)
    match kind:
        case 0:
            lamports, space = struct.unpack_from("<QQ", data, 4)
            return _said(
                "createAccount",
                source=accounts[0],
                newAccount=accounts[1],
                lamports=lamports,
                space=space,
                owner=_key(data, 20),
            )
        case 1:
            return _said("assign", account=accounts[0], owner=_key(data, 4))
        case 2:
            (lamports,) = struct.unpack_from("<Q", data, 4)
            return _said("transfer", source=accounts[0], destination=accounts[1], lamports=lamports)
        case 4:
            return _said(
                "advanceNonce",
                nonceAccount=accounts[0],
                recentBlockhashesSysvar=accounts[1],
                nonceAuthority=accounts[2],
            )
        case 8:
            (space,) = struct.unpack_from("<Q", data, 4)
            return _said("allocate", account=accounts[0], space=space)
    return None


def _token(accounts: Keys, data: bytes) -> Parsed | None:
    kind, body = data[0], data[1:]
    match kind:
        case 3:
            return _said("transfer", source=accounts[0], destination=accounts[1], amount=_u64(body), **_by(accounts, 2))
        case 4:
            return _said(
                "approve", source=accounts[0], delegate=accounts[1], amount=_u64(body), **_by(accounts, 2, "owner")
            )
        case 5:
            return _said("revoke", source=accounts[0], **_by(accounts, 1, "owner"))
        case 6:
            kinds = ("mintTokens", "freezeAccount", "accountOwner", "closeAccount")
            which = kinds[body[0]] if body[0] < len(kinds) else str(body[0])
            is_mints = body[0] in (0, 1)
            return _said(
                "setAuthority",
                **{"mint" if is_mints else "account": accounts[0]},
                authorityType=which,
                newAuthority=_key(body, 2) if body[1] else None,
                **_by(accounts, 1),
            )
        case 7:
            return _said(
                "mintTo", mint=accounts[0], account=accounts[1], amount=_u64(body), **_by(accounts, 2, "mintAuthority")
            )
        case 8:
            return _said("burn", account=accounts[0], mint=accounts[1], amount=_u64(body), **_by(accounts, 2))
        case 9:
            return _said("closeAccount", account=accounts[0], destination=accounts[1], **_by(accounts, 2, "owner"))
        case 12:
            return _said(
                "transferChecked",
                source=accounts[0],
                mint=accounts[1],
                destination=accounts[2],
                tokenAmount=_amount(body),
                **_by(accounts, 3),
            )
        case 14:
            return _said(
                "mintToChecked",
                mint=accounts[0],
                account=accounts[1],
                tokenAmount=_amount(body),
                **_by(accounts, 2, "mintAuthority"),
            )
        case 15:
            return _said(
                "burnChecked", account=accounts[0], mint=accounts[1], tokenAmount=_amount(body), **_by(accounts, 2)
            )
        case 18:
            return _said("initializeAccount3", account=accounts[0], mint=accounts[1], owner=_key(body, 0))
        case 20:
            return _said("initializeMint2", mint=accounts[0], decimals=body[0], mintAuthority=_key(body, 1))
        case 21:
            return _said("getAccountDataSize", mint=accounts[0])
        case 22:
            return _said("initializeImmutableOwner", account=accounts[0])
        case 26 if body[0] == 1:
            amount, decimals, fee = struct.unpack_from("<QBQ", body, 1)
            return _said(
                "transferCheckedWithFee",
                source=accounts[0],
                mint=accounts[1],
                destination=accounts[2],
                tokenAmount=token_amount(amount, decimals),
                feeAmount=token_amount(fee, decimals),
                **_by(accounts, 3),
            )
    return None


def _associated(accounts: Keys, data: bytes) -> Parsed | None:
    kinds = {b"": "create", b"\0": "create", b"\1": "createIdempotent"}
    kind = kinds.get(data)
    if kind is None:
        return None
    return _said(
        kind,
        source=accounts[0],
        account=accounts[1],
        wallet=accounts[2],
        mint=accounts[3],
        systemProgram=accounts[4],
        tokenProgram=accounts[5],
    )


def _memo(accounts: Keys, data: bytes) -> Any:
    return data.decode()


def _by(accounts: Keys, index: int, name: str = "authority") -> dict[str, Any]:
    """Who signed: one key, or the multisig account and its signers."""
    signers = accounts[index + 1 :]
    if not signers:
        return {name: accounts[index]}
    return {f"multisig{name[0].upper()}{name[1:]}": accounts[index], "signers": signers}


def _key(data: bytes, at: int) -> str:
    return str(Pubkey.from_bytes(data[at : at + 32]))


def _u64(data: bytes) -> str:
    return str(struct.unpack_from("<Q", data)[0])


def _amount(data: bytes) -> dict[str, Any]:
    amount, decimals = struct.unpack_from("<QB", data)
    return token_amount(amount, decimals)


PARSERS: dict[Pubkey, tuple[str, Callable[[Keys, bytes], Any]]] = {
    programs.SYSTEM_PROGRAM: ("system", _system),
    programs.TOKEN_PROGRAM: ("spl-token", _token),
    programs.TOKEN_2022_PROGRAM: ("spl-token", _token),
    programs.ASSOCIATED_TOKEN_PROGRAM: ("spl-associated-token-account", _associated),
    **dict.fromkeys(MEMO_PROGRAMS, ("spl-memo", _memo)),
}

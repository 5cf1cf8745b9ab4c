"""Balances, accounts and tokens."""

from __future__ import annotations

import base64
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from solders.account import Account
from solders.pubkey import Pubkey

from mutoscope.engines.solana.chain import base58, programs
from mutoscope.engines.solana.chain.accounts_json import ENCODINGS, account_json, data_slice
from mutoscope.engines.solana.chain.errors import invalid_param
from mutoscope.engines.solana.chain.meta import token_amount
from mutoscope.engines.solana.chain.methods import method
from mutoscope.engines.solana.chain.methods.cluster import in_context
from mutoscope.engines.solana.chain.params import Params, as_address, as_u64

if TYPE_CHECKING:
    from mutoscope.engines.solana.chain.node import Node

ACCOUNTS_MAX = 100
DATA_BYTES_MAX = 10 * 1024 * 1024
# Source: Agave's `rpc-client-types/src/filter.rs`.
FILTERS_MAX = 4
COMPARED_BYTES_MAX = 128


@method("getBalance", options_at=1)
def get_balance(node: Node, params: Params) -> Any:
    address = params.address(0, "pubkey")
    slot = node.view(params)
    account = node.bank.account_at(address, slot)
    return in_context(slot, 0 if account is None else account.lamports)


@method("getAccountInfo", options_at=1)
def get_account_info(node: Node, params: Params) -> Any:
    address = params.address(0, "pubkey")
    encoding, part = params.choice("encoding", ENCODINGS, "binary"), data_slice(params)
    slot = node.view(params)
    read = _reader(node, slot)
    return in_context(slot, account_json(read(address), encoding, part, read))


@method("getMultipleAccounts", options_at=1)
def get_multiple_accounts(node: Node, params: Params) -> Any:
    addresses = [as_address(value, f"pubkeys[{i}]") for i, value in enumerate(params.array(0, "pubkeys", ACCOUNTS_MAX))]
    encoding, part = params.choice("encoding", ENCODINGS, "base64"), data_slice(params)
    slot = node.view(params)
    read = _reader(node, slot)
    return in_context(slot, [account_json(read(address), encoding, part, read) for address in addresses])


@method("getMinimumBalanceForRentExemption", options_at=1)
def get_minimum_balance_for_rent_exemption(node: Node, params: Params) -> Any:
    return node.bank.rent_exempt_minimum(params.u64(0, "dataLength", DATA_BYTES_MAX))


@method("getTokenAccountBalance", options_at=1)
def get_token_account_balance(node: Node, params: Params) -> Any:
    address = params.address(0, "pubkey")
    slot = node.view(params)
    read = _reader(node, slot)
    account = read(address)
    if account is None:
        raise invalid_param("pubkey", "could not find account")
    token = programs.token_account(account)
    mint = None if token is None else read(token.mint)
    decimals = None if mint is None else programs.mint_decimals(mint)
    if token is None or decimals is None:
        raise invalid_param("pubkey", "not a Token account")
    return in_context(slot, token_amount(token.amount, decimals))


@method("getTokenSupply", options_at=1)
def get_token_supply(node: Node, params: Params) -> Any:
    address = params.address(0, "pubkey")
    slot = node.view(params)
    account = node.bank.account_at(address, slot)
    mint = None if account is None else programs.mint(account)
    if mint is None:
        raise invalid_param("pubkey", "not a Token mint")
    return in_context(slot, token_amount(mint.supply, mint.decimals))


@method("getTokenAccountsByOwner", options_at=2)
def get_token_accounts_by_owner(node: Node, params: Params) -> Any:
    owner = params.address(0, "pubkey")
    return _token_accounts(node, params, lambda token: token.owner == owner)


@method("getTokenAccountsByDelegate", options_at=2)
def get_token_accounts_by_delegate(node: Node, params: Params) -> Any:
    delegate = params.address(0, "pubkey")
    return _token_accounts(node, params, lambda token: token.delegate == delegate)


@method("getProgramAccounts", options_at=1)
def get_program_accounts(node: Node, params: Params) -> Any:
    program = params.address(0, "program")
    encoding, part = params.choice("encoding", ENCODINGS, "binary"), data_slice(params)
    wanted = filters_of(params)
    slot = node.view(params)
    read = _reader(node, slot)
    found = []
    for address, _ in node.bank.accounts_of(program):
        account = read(address)
        if account is not None and account.owner == program and all(fits(bytes(account.data)) for fits in wanted):
            found.append({"pubkey": str(address), "account": account_json(account, encoding, part, read)})
    return in_context(slot, found) if params.flag("withContext") else found


def filters_of(params: Params) -> list[Callable[[bytes], bool]]:
    """What an account's bytes have to satisfy, all of it, by the options' `filters`. Raises RpcError."""
    given = params.options.get("filters") or []
    if not isinstance(given, list) or len(given) > FILTERS_MAX:
        raise invalid_param("filters", f"must be a list of at most {FILTERS_MAX}")
    return [_filter(each, f"filters[{i}]") for i, each in enumerate(given)]


def _filter(given: Any, name: str) -> Callable[[bytes], bool]:
    if not isinstance(given, dict) or len(given) != 1:
        raise invalid_param(name, "must be an object with dataSize or memcmp")
    if "dataSize" in given:
        size = as_u64(given["dataSize"], f"{name}.dataSize", DATA_BYTES_MAX)
        return lambda data: len(data) == size
    memcmp = given.get("memcmp")
    if not isinstance(memcmp, dict) or not isinstance(memcmp.get("bytes"), str):
        raise invalid_param(f"{name}.memcmp", "must be an object with offset and bytes")
    if len(memcmp["bytes"]) > 2 * COMPARED_BYTES_MAX:
        raise invalid_param(f"{name}.memcmp.bytes", f"is longer than {COMPARED_BYTES_MAX} bytes")
    offset = as_u64(memcmp.get("offset"), f"{name}.memcmp.offset", DATA_BYTES_MAX)
    try:
        if memcmp.get("encoding", "base58") == "base64":
            wanted = base64.b64decode(memcmp["bytes"], validate=True)
        else:
            wanted = base58.decode(memcmp["bytes"])
    except ValueError:
        raise invalid_param(f"{name}.memcmp.bytes", "cannot be decoded") from None
    if len(wanted) > COMPARED_BYTES_MAX:
        raise invalid_param(f"{name}.memcmp.bytes", f"is longer than {COMPARED_BYTES_MAX} bytes")
    return lambda data: data[offset : offset + len(wanted)] == wanted


def _token_accounts(node: Node, params: Params, wanted: Callable[[programs.TokenAccount], bool]) -> Any:
    given = params.value(1, "filter")
    if not isinstance(given, dict) or not ({"mint", "programId"} & given.keys()):
        raise invalid_param("filter", "must be an object with mint or programId")
    encoding, part = params.choice("encoding", ENCODINGS, "binary"), data_slice(params)
    slot = node.view(params)
    read = _reader(node, slot)
    mint = program = None
    if "mint" in given:
        mint = as_address(given["mint"], "filter.mint")
        account = read(mint)
        if account is None or programs.mint(account) is None:
            raise invalid_param("filter.mint", "could not find mint")
        program = account.owner
    else:
        program = as_address(given["programId"], "filter.programId")
        if program not in programs.TOKEN_PROGRAMS:
            raise invalid_param("filter.programId", "unrecognized Token program id")
    found = []
    for address, _ in node.bank.accounts_of(program):
        account = read(address)
        token = None if account is None else programs.token_account(account)
        if token is not None and wanted(token) and mint in (None, token.mint):
            found.append({"pubkey": str(address), "account": account_json(account, encoding, part, read)})
    return in_context(slot, found)


def _reader(node: Node, slot: int) -> Callable[[Pubkey], Account | None]:
    return lambda address: node.bank.account_at(address, slot)

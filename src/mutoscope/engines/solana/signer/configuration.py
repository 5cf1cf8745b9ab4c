"""The signer's own configuration: where money may go and how much. A file, so that neither a request nor the database can change it."""

from __future__ import annotations

import os
import stat
import tomllib
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from solders.pubkey import Pubkey

from mutoscope.engines.solana.signer.programs import TOKEN, TOKEN_2022

PROGRAMS = {"token": TOKEN, "token-2022": TOKEN_2022}
LAMPORTS_PER_SIGNATURE = 5000


class ConfigurationRefused(Exception):
    """The signer's configuration file is missing, open to others, or wrong. The message names the entry and what to do."""


@dataclass(frozen=True, slots=True)
class Caps:
    """The most that may leave, in base units: by one transfer, and within 24 hours. Zero is nothing."""

    each: int = 0
    day: int = 0


@dataclass(frozen=True, slots=True)
class Token:
    """One token the signer may move. `mint` is empty for SOL."""

    name: str
    mint: str
    program: Pubkey | None
    decimals: int
    sweep_to: str
    sweep: Caps
    refund: Caps
    payout: Caps
    is_listed: bool = True
    """False for a token that stands in no configuration, and goes back from where it came to and nowhere else."""

    def caps(self, kind: str) -> Caps:
        """The caps of a kind of job that moves this token."""
        caps: Caps = {"sweep": self.sweep, "refund": self.refund, "payout": self.payout}[kind]
        return caps


@dataclass(frozen=True, slots=True)
class Configuration:
    """Everything the signer goes by. Amounts of lamports; prices in micro-lamports per compute unit."""

    rpc: tuple[str, ...]
    genesis: str
    key_encryption_keys: tuple[str, ...]
    state: Path
    receivers: frozenset[str]
    tokens: dict[str, Token]
    pool_target: int = 2000
    pool_low_water: int = 200
    price_min: int = 0
    price_max: int = 200_000
    fee_lamports_max: int = 100_000
    fee_account_low_lamports: int = 20_000_000
    attempts_max: int = 20
    # Whether a refund may go to another wallet than those that paid, where the request names one.
    refund_elsewhere: bool = False
    # Whether a token that is not listed goes back from the one-time wallet that it came to.
    refund_unlisted: bool = False
    poll_s: float = 1.0
    report_s: float = 10.0


def read_configuration(path: Path) -> Configuration:
    """The configuration in a TOML file that nobody but its owner, root or the signer's user, may write. Raises ConfigurationRefused."""
    try:
        with path.open("rb") as file:
            status = os.fstat(file.fileno())
            if status.st_mode & (stat.S_IWGRP | stat.S_IWOTH) or status.st_uid not in (0, os.geteuid()):
                raise ConfigurationRefused(
                    f"{path} decides where money goes, and others may write it: chown root {path}; chmod 640 {path}"
                )
            read = tomllib.load(file)
    except OSError as error:
        raise ConfigurationRefused(f"The signer's configuration {path} cannot be read: {error.strerror}.") from None
    except tomllib.TOMLDecodeError as error:
        raise ConfigurationRefused(f"{path} is not TOML: {error}") from None
    try:
        return parse_configuration(read)
    except ConfigurationRefused as error:
        raise ConfigurationRefused(f"{path}: {error}") from None


def parse_configuration(read: dict[str, Any]) -> Configuration:
    """The configuration of a parsed file. Raises ConfigurationRefused naming the first wrong entry."""
    entries = dict(read)
    tokens = [_token(number, entry) for number, entry in enumerate(_take(entries, "token", list, []), start=1)]
    mints = [token.mint for token in tokens]
    if len(set(mints)) != len(mints):
        raise ConfigurationRefused("two entries of [[token]] have the same mint")
    known: dict[str, Any] = {
        "rpc": tuple(_texts(entries, "rpc")),
        "genesis": _take(entries, "genesis", str, ""),
        "key_encryption_keys": tuple(_texts(entries, "key_encryption_keys")),
        "state": Path(_take(entries, "state", str)),
        "receivers": frozenset(_address("receivers", each) for each in _texts(entries, "receivers", optional=True)),
        "tokens": {token.mint: token for token in tokens},
        "refund_elsewhere": _switch(entries, "refund_elsewhere"),
        "refund_unlisted": _switch(entries, "refund_unlisted"),
    }
    for field in fields(Configuration):
        if field.name in entries:
            kind = float if field.type == "float" else int
            known[field.name] = _at_least_zero(field.name, _take(entries, field.name, kind))
    if entries:
        raise ConfigurationRefused(f"{min(entries)!r} is no entry that the signer knows")
    return Configuration(**known)


def _token(number: int, entry: Any) -> Token:
    where = f"[[token]] {number}"
    if not isinstance(entry, dict):
        raise ConfigurationRefused(f"{where} is not a table")
    entries = dict(entry)
    try:
        mint = _take(entries, "mint", str, "")
        program = _take(entries, "program", str, "token" if mint else "")
        if bool(mint) != bool(program) or (program and program not in PROGRAMS):
            raise ConfigurationRefused("'program' is token or token-2022, and only for a mint")
        token = Token(
            name=_take(entries, "name", str),
            mint=_address("mint", mint) if mint else "",
            program=PROGRAMS[program] if program else None,
            decimals=_at_least_zero("decimals", _take(entries, "decimals", int, 9 if not mint else None)),
            sweep_to=_wallet("sweep_to", _take(entries, "sweep_to", str)),
            sweep=_caps(entries, "sweep"),
            refund=_caps(entries, "refund"),
            payout=_caps(entries, "payout"),
        )
        if entries:
            raise ConfigurationRefused(f"{min(entries)!r} is no entry of a token")
    except ConfigurationRefused as error:
        raise ConfigurationRefused(f"{where}: {error}") from None
    return token


def _caps(entries: dict[str, Any], kind: str) -> Caps:
    each, day = f"{kind}_max", f"{kind}_day_max"
    return Caps(
        _at_least_zero(each, _take(entries, each, int, 0)),
        _at_least_zero(day, _take(entries, day, int, 0)),
    )


def _take(entries: dict[str, Any], name: str, kind: type, default: Any = None) -> Any:
    value = entries.pop(name, default)
    if value is None:
        raise ConfigurationRefused(f"{name!r} is missing")
    # True is an int to Python, and no amount of money.
    if isinstance(value, bool) or not isinstance(value, (int, float) if kind is float else kind):
        raise ConfigurationRefused(f"{name!r} is not of the right kind ({kind.__name__})")
    return value


def _switch(entries: dict[str, Any], name: str) -> bool:
    value = entries.pop(name, False)
    if not isinstance(value, bool):
        raise ConfigurationRefused(f"{name!r} is true or false")
    return value


def _texts(entries: dict[str, Any], name: str, *, optional: bool = False) -> list[str]:
    values: list[Any] = _take(entries, name, list, [] if optional else None)
    if not all(isinstance(value, str) and value for value in values) or not (values or optional):
        raise ConfigurationRefused(f"{name!r} is a list of texts")
    return values


def _at_least_zero(name: str, value: Any) -> Any:
    if not 0 <= value < 2**63:
        raise ConfigurationRefused(f"{name!r} is below zero or too large")
    return value


def _address(name: str, value: str) -> str:
    try:
        return str(Pubkey.from_string(value))
    except ValueError:
        raise ConfigurationRefused(f"{name!r}: {value!r} is not an address") from None


def _wallet(name: str, value: str) -> str:
    if not Pubkey.from_string(_address(name, value)).is_on_curve():
        raise ConfigurationRefused(f"{name!r}: {value!r} is not a wallet: nobody can hold a key to it")
    return value

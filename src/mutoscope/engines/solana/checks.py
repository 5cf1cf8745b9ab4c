"""System checks: what is wrong with the configuration, and what to do about it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any
from urllib.parse import urlsplit

from django.core import checks
from django.core.exceptions import ImproperlyConfigured
from django.utils.module_loading import import_string

from mutoscope.engines.solana.conf import SANDBOX, Configuration, configuration
from mutoscope.engines.solana.payments.domain.addresses import is_address

PREFIX = "mutoscope_solana"


def register_all() -> None:
    """Tell Django's check framework about ours."""
    checks.register(check_configuration, "mutoscope_solana")


def check_configuration(app_configs: Any = None, **_: Any) -> Sequence[checks.CheckMessage]:
    """Everything that can be known about `MUTOSCOPE_SOLANA` without asking anybody."""
    try:
        configured = configuration()
    except ImproperlyConfigured as error:
        return [checks.Error(str(error), hint="See the table of settings in docs/solana.md.", id=f"{PREFIX}.E001")]
    return [*_nodes(configured), *_receiving(configured), *_functions(configured), *_names(configured)]


def _nodes(configured: Configuration) -> list[checks.CheckMessage]:
    found: list[checks.CheckMessage] = []
    if not configured.rpc:
        hint = 'Set MUTOSCOPE_SOLANA["RPC"] to the addresses of one or more nodes.'
        found.append(
            checks.Warning("No payment can be seen: no RPC node is configured.", hint=hint, id=f"{PREFIX}.W001")
        )
    for endpoint in configured.rpc:
        parts = urlsplit(endpoint.url)
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            hint = "It looks like https://rpc.example.com/."
            found.append(checks.Error("An RPC node's address is not one.", hint=hint, id=f"{PREFIX}.E002"))
        elif parts.scheme == "http" and parts.hostname not in {"localhost", "127.0.0.1", "::1"}:
            hint = "Use https: whoever can change an answer on its way can pretend to have paid."
            found.append(checks.Error("An RPC node is reached without TLS.", hint=hint, id=f"{PREFIX}.E003"))
        if endpoint.calls_per_10_s < 1:
            hint = "Give it at least one call in ten seconds, or leave the node out."
            found.append(checks.Error("An RPC node may never be asked.", hint=hint, id=f"{PREFIX}.E004"))
    if configured.cluster != SANDBOX and not is_address(configured.genesis_hash()):
        hint = 'Use "mainnet-beta", "devnet", "testnet", or the genesis hash of your network (`getGenesisHash`).'
        found.append(checks.Error(f"{configured.cluster!r} is no network.", hint=hint, id=f"{PREFIX}.E005"))
    return found


def _receiving(configured: Configuration) -> list[checks.CheckMessage]:
    found: list[checks.CheckMessage] = []
    if configured.receive_by not in {"reference", "wallet"}:
        hint = 'Use "reference" or "wallet".'
        found.append(checks.Error("RECEIVE_BY is neither.", hint=hint, id=f"{PREFIX}.E006"))
    if configured.receive_to and not is_address(configured.receive_to):
        hint = "Use the address of a wallet, in base58: not of a token account, and no name."
        found.append(checks.Error("RECEIVE_TO is not an address.", hint=hint, id=f"{PREFIX}.E007"))
    if configured.receive_by == "reference" and not configured.receive_to:
        hint = 'Set RECEIVE_TO to your wallet\'s address, or RECEIVE_BY to "wallet".'
        found.append(checks.Warning("Payments by reference have nowhere to go.", hint=hint, id=f"{PREFIX}.W002"))
    positive = ("expires_after_s", "tick_s", "transactions_per_tick", "audit_every_s")
    hint = "Leave it out for its default."
    found += [
        checks.Error(f"{name.upper()} is not a finite number above zero.", hint=hint, id=f"{PREFIX}.E008")
        for name in positive
        if not 0 < getattr(configured, name) < math.inf
    ]
    return found


def _functions(configured: Configuration) -> list[checks.CheckMessage]:
    found: list[checks.CheckMessage] = []
    for name in ("wallets", "offers", "may_see"):
        path = getattr(configured, name)
        try:
            why = "" if not path or callable(import_string(path)) else "it cannot be called"
        except ImportError as error:
            why = str(error)
        if why:
            hint = "Write it as the dotted path of a function, such as shop.payments.offers."
            found.append(checks.Error(f"{name.upper()} is no function: {why}", hint=hint, id=f"{PREFIX}.E010"))
    return found


def _names(configured: Configuration) -> list[checks.CheckMessage]:
    hint = "See the table of settings in docs/solana.md."
    return [
        checks.Error(f"MUTOSCOPE_SOLANA has no setting {name!r}.", hint=hint, id=f"{PREFIX}.E009")
        for name in configured.unknown
    ]

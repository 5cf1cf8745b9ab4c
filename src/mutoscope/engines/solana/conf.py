"""The app's settings: one dictionary, `MUTOSCOPE_SOLANA`, and the names of the two models that a project may replace.

    MUTOSCOPE_SOLANA = {
        "RPC": ["https://rpc.example.com", {"URL": "https://other.example.net", "CALLS_PER_10_S": 40}],
        "CLUSTER": "mainnet-beta",
        "RECEIVE_TO": "the address of your wallet",
    }

What each setting means stands beside it below; docs/solana.md has the whole table.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from functools import cache
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.core.signals import setting_changed

# The networks' first blocks, by which a node is known to be on the right one. Source: https://solana.com/docs/rpc
GENESIS_HASHES = {
    "mainnet-beta": "5eykt4UsFv8P8NJdTREpY1vzqKqZKvdpKuc147dw2N9d",
    "devnet": "EtWTRABZaYq6iMfeYKouRu166VU2xqa1wcaWoxPkrZBG",
    "testnet": "4uhcVJyU9pJkvQyS88uRDiswHXSCkY3zQawwpjk2NsNY",
}

# A sandbox chain makes up its first block, so it cannot be known beforehand: any network will do but the public ones.
SANDBOX = "sandbox"


@dataclass(frozen=True)
class Endpoint:
    """One node. The limit is what all processes together may ask of it in any ten seconds."""

    url: str
    calls_per_10_s: int = 100
    timeout_s: float = 10.0


def node_name(url: str) -> str:
    """What a node is called in messages and logs: host and port. User, path and query of an address may be access keys."""
    try:
        parts = urlsplit(url)
        port = f":{parts.port}" if parts.port else ""
    except ValueError:
        return "a node whose address is none"
    return f"{parts.hostname}{port}" if parts.hostname else "a node whose address is none"


@dataclass(frozen=True)
class Configuration:
    """`MUTOSCOPE_SOLANA`, read. Names in the setting are these in capitals."""

    # Nodes in the order of preference: addresses, or dictionaries with URL, CALLS_PER_10_S and TIMEOUT_S.
    rpc: tuple[Endpoint, ...] = ()
    # "mainnet-beta", "devnet", "testnet", the genesis hash of another network, or "sandbox": any but those three.
    cluster: str = "mainnet-beta"
    # The merchant's wallet: where payments by reference arrive.
    receive_to: str = ""
    # What `create_payment` does unless told: "reference" or "wallet".
    receive_by: str = "reference"
    # How long a payment may be paid.
    expires_after_s: int = 3600
    # How long after its end a payment's money may still become final before the payment is called expired.
    expiry_grace_s: int = 120
    # How long an ended payment's one-time wallet is still looked at, ever more seldom; the audit goes on for ever.
    watch_ended_for_s: int = 7 * 24 * 3600
    # The pause between two looks of the watcher.
    tick_s: float = 2.0
    # How many transactions one look may fetch: what bounds the work that somebody else's dust can make.
    transactions_per_tick: int = 400
    # How often every watched account's balance is held against its records.
    audit_every_s: int = 3600
    # A function from a payment's public id to the address of a one-time wallet that was never given out before.
    wallets: str = "mutoscope.engines.solana.wallets.claim"
    # Lets webhooks reach private addresses and plain http: for a receiver on the same machine, never for strangers' URLs.
    webhooks_may_be_local: bool = False
    # Shown by wallet apps beside the amount.
    label: str = ""
    # The address of a picture, SVG, PNG or WebP, that wallet apps show for a transaction request; a coin by default.
    icon: str = ""
    # A function from a request and an item's name to an `endpoints.Offer`, or None: what the endpoint "create" sells.
    offers: str = ""
    # A function from a request and a payment to a bool: who may see it, instead of its owner.
    may_see: str = ""

    unknown: tuple[str, ...] = field(default=(), repr=False)

    def genesis_hash(self) -> str:
        """The first block's hash of the configured network; "sandbox" for any that is not public."""
        return GENESIS_HASHES.get(self.cluster, self.cluster)


def is_right_network(wanted: str, found: object) -> bool:
    """Whether a node whose first block is `found` may be asked, where `wanted` is what `genesis_hash` says."""
    return found not in GENESIS_HASHES.values() if wanted == SANDBOX else found == wanted


@cache
def configuration() -> Configuration:
    """The settings as they are now. Raises ImproperlyConfigured where a value has the wrong type."""
    given: Mapping[str, Any] = getattr(settings, "MUTOSCOPE_SOLANA", {})
    kinds = {each.name: type(each.default) for each in fields(Configuration) if each.name not in {"rpc", "unknown"}}
    values: dict[str, Any] = {}
    for name, kind in kinds.items():
        value = given.get(name.upper(), getattr(Configuration, name))
        if kind is float and type(value) is int:
            value = float(value)
        if type(value) is not kind:
            raise ImproperlyConfigured(f"MUTOSCOPE_SOLANA[{name.upper()!r}] must be {kind.__name__}, not {value!r}")
        values[name] = value
    unknown = tuple(sorted(key for key in given if key.lower() not in kinds and key != "RPC"))
    nodes = given.get("RPC", ())
    if not isinstance(nodes, list | tuple):
        raise ImproperlyConfigured(f"MUTOSCOPE_SOLANA['RPC'] must be a list of nodes, not {type(nodes).__name__}")
    return Configuration(rpc=tuple(map(_endpoint, nodes)), unknown=unknown, **values)


def _endpoint(given: Any) -> Endpoint:
    if isinstance(given, str):
        return Endpoint(given)
    try:
        return Endpoint(**{key.lower(): value for key, value in given.items()})
    except (AttributeError, TypeError) as error:
        raise ImproperlyConfigured(
            f"an entry of MUTOSCOPE_SOLANA['RPC'] is an address or a dictionary with URL, CALLS_PER_10_S and TIMEOUT_S: {error}"
        ) from None


# Django's mechanism for models that a project may replace reads one setting for each, in migrations too, and does not
# accept that it is missing. So a project that replaces nothing gets them written here.
_MODELS = {
    "MUTOSCOPE_SOLANA_PAYMENT_MODEL": "mutoscope_solana.Payment",
    "MUTOSCOPE_SOLANA_TOKEN_MODEL": "mutoscope_solana.Token",
}


def payment_model_name() -> str:
    """The payment model in use, as "app.Model"."""
    return _model_name("MUTOSCOPE_SOLANA_PAYMENT_MODEL")


def token_model_name() -> str:
    """The token model in use, as "app.Model"."""
    return _model_name("MUTOSCOPE_SOLANA_TOKEN_MODEL")


def _model_name(setting: str) -> str:
    if not hasattr(settings, setting):
        setattr(settings, setting, _MODELS[setting])
    return str(getattr(settings, setting))


def _forget(*, setting: str, **_: Any) -> None:
    if setting == "MUTOSCOPE_SOLANA":
        configuration.cache_clear()


setting_changed.connect(_forget, dispatch_uid="mutoscope_solana.conf")

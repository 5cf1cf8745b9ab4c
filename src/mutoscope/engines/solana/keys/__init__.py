"""Secrets and keys: a type that cannot be printed, derivation by SLIP-0010, and sealing under two levels of keys. See docs/keys.md."""

from __future__ import annotations

from mutoscope.engines.solana.keys.envelope import Envelope, Label, open_envelope, rewrap, seal
from mutoscope.engines.solana.keys.key_sources import (
    CannotOpen,
    FileKey,
    KeyEncryption,
    KeySourceRefused,
    key_source,
    register_key_service,
    write_new_key,
)
from mutoscope.engines.solana.keys.secret import Secret
from mutoscope.engines.solana.keys.slip10 import WALLET_INDEX_MAX, Node, derive, operator_path, wallet_path

__all__ = [
    "WALLET_INDEX_MAX",
    "CannotOpen",
    "Envelope",
    "FileKey",
    "KeyEncryption",
    "KeySourceRefused",
    "Label",
    "Node",
    "Secret",
    "derive",
    "key_source",
    "open_envelope",
    "operator_path",
    "register_key_service",
    "rewrap",
    "seal",
    "wallet_path",
    "write_new_key",
]

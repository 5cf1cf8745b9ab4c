"""Sealing at two levels: a data key seals the secret, and a key-encryption key, which lies elsewhere, wraps the data key.

Both by AES-256-GCM with the same associated data, so that neither part of an envelope opens under another label: a seed cannot be passed
off as another epoch's, nor an old sealing put back in place of a new one.
"""

from __future__ import annotations

import json
import os
from base64 import b64decode, b64encode
from dataclasses import dataclass

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from django.views.decorators.debug import sensitive_variables

from mutoscope.engines.solana.keys.key_sources import CannotOpen, KeyEncryption
from mutoscope.engines.solana.keys.secret import Secret

FORMAT = 1
KEY_BYTES = 32
# What NIST SP 800-38D recommends. Random: an envelope's data key is used once, so that nonces cannot meet.
NONCE_BYTES = 12


@dataclass(frozen=True, slots=True)
class Label:
    """What a sealed secret is. Part of the associated data: version grows with every new sealing of the same secret."""

    purpose: str
    epoch: int
    version: int

    def associated_data(self) -> bytes:
        """The same bytes for the same label, and for no other."""
        return json.dumps(["mutoscope", FORMAT, self.purpose, self.epoch, self.version]).encode()


@dataclass(frozen=True, slots=True)
class Envelope:
    """A sealed secret: useless without the key-encryption key named `kek`."""

    label: Label
    kek: str
    wrapped_key: bytes
    nonce: bytes
    sealed: bytes

    def as_json(self) -> str:
        """For a column or a file."""
        return json.dumps(
            {
                "format": FORMAT,
                "purpose": self.label.purpose,
                "epoch": self.label.epoch,
                "version": self.label.version,
                "kek": self.kek,
                "wrapped_key": b64encode(self.wrapped_key).decode(),
                "nonce": b64encode(self.nonce).decode(),
                "sealed": b64encode(self.sealed).decode(),
            },
            sort_keys=True,
        )

    @classmethod
    def from_json(cls, text: str) -> Envelope:
        """The envelope that `as_json` wrote. Raises CannotOpen for anything else."""
        try:
            read = json.loads(text)
            if read["format"] != FORMAT:
                raise CannotOpen(f"The envelope has format {read['format']}, and this release knows {FORMAT} only.")
            return cls(
                Label(str(read["purpose"]), int(read["epoch"]), int(read["version"])),
                str(read["kek"]),
                b64decode(read["wrapped_key"], validate=True),
                b64decode(read["nonce"], validate=True),
                b64decode(read["sealed"], validate=True),
            )
        except (ValueError, KeyError, TypeError) as error:
            raise CannotOpen("This is not a sealed secret.") from error


@sensitive_variables()
def seal(secret: Secret, label: Label, kek: KeyEncryption) -> Envelope:
    """Seal under a new data key. The data key exists in this call only."""
    associated = label.associated_data()
    data_key = os.urandom(KEY_BYTES)
    nonce = os.urandom(NONCE_BYTES)
    sealed = AESGCM(data_key).encrypt(nonce, secret.reveal(), associated)
    return Envelope(label, kek.key_id(), kek.wrap(Secret(data_key), associated), nonce, sealed)


@sensitive_variables()
def open_envelope(envelope: Envelope, kek: KeyEncryption) -> Secret:
    """The secret. Raises CannotOpen."""
    associated = envelope.label.associated_data()
    data_key = _unwrap(envelope, kek, associated)
    try:
        return Secret(AESGCM(data_key.reveal()).decrypt(envelope.nonce, envelope.sealed, associated))
    except InvalidTag:
        raise CannotOpen("The sealed secret or its label was changed.") from None
    finally:
        data_key.wipe()


@sensitive_variables()
def rewrap(envelope: Envelope, old: KeyEncryption, new: KeyEncryption) -> Envelope:
    """The same sealing under another key-encryption key. The secret itself is not opened. Raises CannotOpen."""
    associated = envelope.label.associated_data()
    data_key = _unwrap(envelope, old, associated)
    try:
        wrapped = new.wrap(data_key, associated)
    finally:
        data_key.wipe()
    return Envelope(envelope.label, new.key_id(), wrapped, envelope.nonce, envelope.sealed)


def _unwrap(envelope: Envelope, kek: KeyEncryption, associated: bytes) -> Secret:
    if envelope.kek != kek.key_id():
        raise CannotOpen(f"The secret is sealed under the key {envelope.kek}, and the key at hand is {kek.key_id()}.")
    return kek.unwrap(envelope.wrapped_key, associated)

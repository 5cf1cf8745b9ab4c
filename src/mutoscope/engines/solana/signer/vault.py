"""The only code that opens a seed. It does so in a child process that ends at once: freeing memory in Python leaves copies behind,

ending a process does not, since the kernel hands its pages to others only after clearing them.
"""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from django.views.decorators.debug import sensitive_variables
from solders.pubkey import Pubkey
from solders.signature import Signature

from mutoscope.engines.solana.keys import (
    CannotOpen,
    Envelope,
    KeyEncryption,
    KeySourceRefused,
    Secret,
    derive,
    key_source,
    open_envelope,
    wallet_path,
)
from mutoscope.engines.solana.signer.hardening import harden


class VaultRefused(Exception):
    """A seed cannot be opened, or a key is not the one that the database says. Nothing was signed."""


class WrongKey(VaultRefused):
    """A key is not the one that its row in the database says: the row was changed. Nothing was signed."""


@dataclass(frozen=True, slots=True)
class KeyName:
    """Which key: the seed's purpose and epoch, the index in it, and the address that must come out."""

    purpose: str
    epoch: int
    index: int
    address: str


class KeyRing:
    """The key-encryption keys at hand, by their addresses in the configuration. The first one seals; all of them open."""

    def __init__(self, addresses: Sequence[str]) -> None:
        self.addresses = tuple(addresses)

    def first(self) -> KeyEncryption:
        """The one that new sealings use. Raises KeySourceRefused."""
        return key_source(self.addresses[0])

    def fitting(self, envelope: Envelope) -> KeyEncryption:
        """The one that opens this envelope. Raises CannotOpen."""
        for address in self.addresses:
            try:
                kek = key_source(address)
                if kek.key_id() == envelope.kek:
                    return kek
            except KeySourceRefused:
                if len(self.addresses) == 1:
                    raise
        raise CannotOpen(f"No key-encryption key at hand is {envelope.kek}, which sealed {envelope.label.purpose}.")

    def open(self, envelope: Envelope) -> Secret:
        """What is sealed. Raises CannotOpen."""
        return open_envelope(envelope, self.fitting(envelope))


def derive_addresses(ring: KeyRing, envelope: Envelope, indices: Sequence[int]) -> dict[int, str]:
    """Addresses of a seed by index. Raises VaultRefused."""

    @sensitive_variables()
    def work() -> Any:
        seed = ring.open(envelope)
        return [str(derive(seed, wallet_path(index)).keypair().pubkey()) for index in indices]

    return dict(zip(indices, in_child(work), strict=True))


def sign(
    ring: KeyRing, envelopes: dict[tuple[str, int], Envelope], message: bytes, keys: Sequence[KeyName]
) -> list[Signature]:
    """Signatures of a message by each key, in order. Raises VaultRefused when a key is not the one its name says."""

    @sensitive_variables()
    def work() -> Any:
        seeds = {place: ring.open(envelopes[place]) for place in {(key.purpose, key.epoch) for key in keys}}
        made = []
        for key in keys:
            node = derive(seeds[key.purpose, key.epoch], wallet_path(key.index))
            if str(Pubkey(node.public_key())) != key.address:
                raise WrongKey(
                    f"The key {key.index} of {key.purpose} epoch {key.epoch} does not belong to {key.address}: "
                    "the database's row was changed."
                )
            made.append(str(node.keypair().sign_message(message)))
        return made

    return [Signature.from_string(text) for text in in_child(work)]


@sensitive_variables()
def in_child(work: Callable[[], Any]) -> Any:
    """The result of `work`, done in a forked child that then ends. Results travel as JSON: a Secret cannot. Raises VaultRefused."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        # Nothing of the parent's may run here on the way out: no handlers, no closing of its database connections.
        status = 1
        try:
            os.close(reading)
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
            harden()
            try:
                answer = {"result": work()}
            except WrongKey as error:
                answer = {"wrong": str(error)}
            except (CannotOpen, KeySourceRefused) as error:
                answer = {"refused": str(error)}
            except BaseException as error:
                # Its message could hold anything; its name cannot.
                answer = {"refused": f"The vault failed with {type(error).__name__}."}
            with os.fdopen(writing, "wb") as pipe:
                pipe.write(json.dumps(answer).encode())
            status = 0
        finally:
            os._exit(status)
    os.close(writing)
    with os.fdopen(reading, "rb") as pipe:
        text = pipe.read()
    os.waitpid(child, 0)
    if not text:
        raise VaultRefused("The vault ended without an answer.")
    answer = json.loads(text)
    if "wrong" in answer:
        raise WrongKey(answer["wrong"])
    if "refused" in answer:
        raise VaultRefused(answer["refused"])
    return answer["result"]

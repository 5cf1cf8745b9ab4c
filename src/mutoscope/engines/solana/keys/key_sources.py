"""Where the key-encryption key comes from: a file, a systemd credential, or a key service that never hands it out."""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from django.views.decorators.debug import sensitive_variables

from mutoscope.engines.solana.keys.secret import Secret

KEY_BYTES = 32
NONCE_BYTES = 12
# Who else than the owner could read or write it.
OTHERS = stat.S_IRWXG | stat.S_IRWXO
CREDENTIALS_DIRECTORY = "CREDENTIALS_DIRECTORY"


class CannotOpen(Exception):
    """The key, the label or the content is not what was sealed. Nothing more can be told."""


class KeySourceRefused(Exception):
    """The key-encryption key cannot be had, or lies where others can read it. The message says what to do."""


class KeyEncryption(Protocol):
    """The port: wraps data keys. A key service implements it without the key leaving the service."""

    def key_id(self) -> str:
        """Names the key, and tells nothing about it. Another key has another name."""

    def wrap(self, data_key: Secret, associated: bytes) -> bytes:
        """The data key, readable only through `unwrap` with the same associated data."""

    def unwrap(self, wrapped: bytes, associated: bytes) -> Secret:
        """The data key. Raises CannotOpen when the key, the bytes or the associated data are others."""


class FileKey:
    """A key of 32 random bytes as 64 hexadecimal digits in a file that nobody but its owner may read.

    Read again for each use, so that the process holds it no longer than it needs.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    @sensitive_variables()
    def key_id(self) -> str:
        return "local:" + hashlib.sha256(b"mutoscope key id" + self._read()).hexdigest()[:16]

    @sensitive_variables()
    def wrap(self, data_key: Secret, associated: bytes) -> bytes:
        nonce = os.urandom(NONCE_BYTES)
        return nonce + AESGCM(self._read()).encrypt(nonce, data_key.reveal(), associated)

    @sensitive_variables()
    def unwrap(self, wrapped: bytes, associated: bytes) -> Secret:
        try:
            return Secret(AESGCM(self._read()).decrypt(wrapped[:NONCE_BYTES], wrapped[NONCE_BYTES:], associated))
        except (InvalidTag, ValueError):
            raise CannotOpen("The key-encryption key does not open this, or the label was changed.") from None

    @sensitive_variables()
    def _read(self) -> bytes:
        try:
            handle = os.open(self.path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
        except OSError as error:
            raise KeySourceRefused(
                f"The key-encryption key {self.path} cannot be read: {error.strerror}. "
                "The signer's action `new-key FILE` makes one; docs/keys.md says where it belongs."
            ) from None
        with os.fdopen(handle, "rb") as file:
            status = os.fstat(file.fileno())
            if status.st_mode & OTHERS:
                raise KeySourceRefused(
                    f"The key-encryption key {self.path} may be read by others than its owner: chmod 600 {self.path}"
                )
            digits = file.read(KEY_BYTES * 2 + 2).strip()
        try:
            key = bytes.fromhex(digits.decode())
        except ValueError:
            key = b""
        if len(key) != KEY_BYTES:
            raise KeySourceRefused(
                f"The key-encryption key {self.path} does not hold {KEY_BYTES * 2} hexadecimal digits."
            )
        return key


def credential_key(name: str) -> FileKey:
    """The key from a systemd credential (`LoadCredentialEncrypted=name`). Raises KeySourceRefused outside such a unit."""
    folder = os.environ.get(CREDENTIALS_DIRECTORY)
    if not folder:
        raise KeySourceRefused(
            f"The key-encryption key is the systemd credential {name!r}, and there is no ${CREDENTIALS_DIRECTORY}: "
            "start the signer by its unit."
        )
    if "/" in name or name.startswith("."):
        raise KeySourceRefused(f"{name!r} is not the name of a credential.")
    return FileKey(Path(folder) / name)


# Key services by the word before the colon; a project adds its own.
_KEY_SERVICES: dict[str, Callable[[str], KeyEncryption]] = {
    "file": lambda path: FileKey(Path(path)),
    "credential": credential_key,
}


def register_key_service(scheme: str, open_service: Callable[[str], KeyEncryption]) -> None:
    """Let `scheme:rest` in the signer's configuration mean a key service; `open_service` gets the rest."""
    _KEY_SERVICES[scheme] = open_service


def key_source(address: str) -> KeyEncryption:
    """The key named by `file:/path`, `credential:name`, or a registered service. Raises KeySourceRefused."""
    scheme, _, rest = address.partition(":")
    if scheme not in _KEY_SERVICES or not rest:
        known = ", ".join(f"{name}:..." for name in _KEY_SERVICES)
        raise KeySourceRefused(f"{address!r} names no key-encryption key. Known are {known}.")
    return _KEY_SERVICES[scheme](rest)


@sensitive_variables()
def write_new_key(path: Path) -> FileKey:
    """Make a key-encryption key in a new file for its owner alone. Raises FileExistsError."""
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    with os.fdopen(handle, "w") as file:
        file.write(os.urandom(KEY_BYTES).hex() + "\n")
        file.flush()
        os.fsync(file.fileno())
    return FileKey(path)

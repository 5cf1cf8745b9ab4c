"""Kinds of values that a setting may have, each with what makes it wrong."""

from __future__ import annotations

import base64
import re
from typing import Annotated, Any
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, SecretStr
from pydantic_settings import NoDecode

from mutoscope.engines.postgres.conninfo import DatabaseUrlError, connection_parts
from mutoscope.engines.solana.payments.domain.addresses import is_address

CLUSTERS = ("mainnet-beta", "devnet", "testnet")


def split_value(value: Any) -> Any:
    return [part.strip() for part in value.split(",") if part.strip()] if isinstance(value, str) else value


def database_url_value(value: SecretStr) -> SecretStr:
    try:
        connection_parts(value.get_secret_value())
    except DatabaseUrlError as error:
        raise ValueError(str(error)) from None
    return value


def origin_value(value: str) -> str:
    parts = urlsplit(value)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ValueError("must be an address such as https://films.example.org")
    if parts.path.strip("/") or parts.query or parts.fragment:
        raise ValueError("must be an origin alone: scheme, host and perhaps a port, with nothing after")
    return f"{parts.scheme}://{parts.netloc}"


def mail_url_value(value: SecretStr) -> SecretStr:
    parts = urlsplit(value.get_secret_value())
    if parts.scheme not in {"smtp", "smtps", "smtp+tls"} or not parts.hostname:
        raise ValueError("must be smtp://, smtp+tls:// or smtps:// with a host")
    return value


def secret_key_value(value: SecretStr) -> SecretStr:
    if len(value.get_secret_value()) < 50:
        raise ValueError("must be at least 50 characters long")
    return value


def key_value(value: str) -> str:
    try:
        key = base64.b64decode(value, validate=True)
    except ValueError:
        key = b""
    if len(key) != 32:
        raise ValueError("must be 32 bytes in base64")
    return value


def video_key_value(value: SecretStr) -> SecretStr:
    key_value(value.get_secret_value())
    return value


def url_value(value: SecretStr) -> SecretStr:
    """What was given is not repeated: an address may have a key in it."""
    try:
        parts = urlsplit(value.get_secret_value())
        is_one = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        is_one = False
    if not is_one:
        raise ValueError("must be an address that begins with https:// and has a host")
    return value


def urls_value(values: list[SecretStr]) -> list[SecretStr]:
    for number, value in enumerate(values, start=1):
        try:
            url_value(value)
        except ValueError as error:
            which = f"number {number} of {len(values)} " if len(values) > 1 else ""
            raise ValueError(f"{which}{error}") from None
    return values


def address_value(value: str) -> str:
    if not is_address(value):
        raise ValueError("must be the address of a wallet on Solana: 32 bytes in base58, 32 to 44 letters and digits")
    return value


def cluster_value(value: str) -> str:
    if value not in CLUSTERS and not is_address(value):
        raise ValueError(f"{value!r} is none of {', '.join(CLUSTERS)}, and no genesis hash")
    return value


def symbol_value(value: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9]{1,20}", value):
        raise ValueError("must be the short name of a token: up to 20 letters and digits")
    return value


def host_value(value: str) -> str:
    if not re.fullmatch(r"\.?[A-Za-z0-9.:\[\]-]+", value):
        raise ValueError(f"{value!r} is not a host name")
    return value


def rate_value(value: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9]{1,20}=(?!0+(\.0+)?$)\d{1,9}(\.\d{1,12})?", value):
        raise ValueError(f"{value!r} is not a token and its dollars, such as USDC=1")
    return value


def dollars_value(value: str) -> str:
    if not re.fullmatch(r"(?!0+(\.0+)?$)\d{1,6}(\.\d{1,9})?", value):
        raise ValueError(f"{value!r} is no amount of dollars above zero, such as 0.01")
    return value


def chain_port_value(port: int) -> int:
    """8899, Solana's own, beside the usual 8000."""
    return port + 899 if port + 899 <= 65535 else port - 899


Strings = Annotated[list[str], NoDecode, BeforeValidator(split_value)]
DatabaseUrl = Annotated[SecretStr, AfterValidator(database_url_value)]
Key = Annotated[SecretStr, AfterValidator(secret_key_value)]
VideoKey = Annotated[SecretStr, AfterValidator(video_key_value)]

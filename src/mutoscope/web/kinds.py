"""Kinds of values that a setting may have, each with what makes it wrong."""

from __future__ import annotations

import base64
import binascii
import re
from typing import Annotated, Any
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, SecretStr
from pydantic_settings import NoDecode

from mutoscope.engines.postgres.conninfo import DatabaseUrlError, connection_parts


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


def video_key_value(value: SecretStr) -> SecretStr:
    try:
        key = base64.b64decode(value.get_secret_value(), validate=True)
    except binascii.Error:
        key = b""
    if len(key) != 32:
        raise ValueError("must be 32 bytes in base64")
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

"""From a database URL to Django's settings: two connections, with libpq's fallback from one host to the next."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

import psycopg
from psycopg.conninfo import conninfo_to_dict

# With several hosts, a dead one costs this long before the next is tried. Below 2 libpq would wait two seconds anyway.
FALLBACK_CONNECT_TIMEOUT_S = 2


class DatabaseUrlError(ValueError):
    """The database URL cannot be used. The message never repeats the URL, which may hold a password."""


def database_settings(url: str, *, pool: dict[str, Any] | None = None, mirror: str | None = None) -> dict[str, Any]:
    """Django's settings for one connection to the server that `url` names.

    Several hosts (`postgresql://pooler:6432,server:5432/db`) are tried in order on each new connection. `pool` holds
    psycopg_pool's options; without it each thread keeps a connection of its own for the length of a request. `mirror`
    names the alias whose test database this one shares. Raises DatabaseUrlError.
    """
    parts = connection_parts(url)
    options = {key: parts[key] for key in parts if key not in {"dbname", "user", "password", "host", "port"}}
    if "," in str(parts.get("host", "")):
        options.setdefault("connect_timeout", FALLBACK_CONNECT_TIMEOUT_S)
    if pool is not None:
        options["pool"] = pool
    settings: dict[str, Any] = {
        "ENGINE": "mutoscope.engines.postgres.backend" if pool else "django.db.backends.postgresql",
        "NAME": parts["dbname"],
        "USER": parts.get("user", ""),
        "PASSWORD": parts.get("password", ""),
        "HOST": parts.get("host", ""),
        "PORT": str(parts.get("port", "")),
        "OPTIONS": options,
        "CONN_MAX_AGE": 0,
        "CONN_HEALTH_CHECKS": True,
        # A cursor that outlives its transaction does not survive a transaction pooler.
        "DISABLE_SERVER_SIDE_CURSORS": True,
    }
    if mirror is not None:
        settings["TEST"] = {"MIRROR": mirror}
    return settings


def connection_parts(url: str) -> dict[str, Any]:
    """libpq's parameters in a database URL, `dbname` always among them. Raises DatabaseUrlError."""
    scheme = urlsplit(url).scheme if "://" in url else ""
    if scheme not in {"postgresql", "postgres"}:
        raise DatabaseUrlError("must begin with postgresql://")
    try:
        parts = conninfo_to_dict(url)
    except psycopg.ProgrammingError as error:
        raise DatabaseUrlError(f"is not a database URL: {str(error).splitlines()[0].split(':')[0]}") from None
    parts = {key: value for key, value in parts.items() if value not in (None, "")}
    if "dbname" not in parts:
        raise DatabaseUrlError("names no database; it ends with /name")
    if not all(port.isascii() and port.isdecimal() for port in str(parts.get("port", "0")).split(",") if port):
        raise DatabaseUrlError("is not a database URL: a port is not a number")
    if "options" in parts:
        # PgBouncer refuses them; `ALTER ROLE ... SET` does the same for every connection.
        raise DatabaseUrlError("must not carry options=; use ALTER ROLE ... SET on the server instead")
    return parts

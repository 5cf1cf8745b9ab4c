"""Where a webhook may go: public addresses only, decided after the name is resolved, and then that address and no other."""

from __future__ import annotations

import ipaddress
import socket
from dataclasses import dataclass
from urllib.parse import urlsplit

# Networks that reach inside, in disguise. Sources: RFC 6052 (NAT64), RFC 3056 (6to4), RFC 4380 (Teredo), RFC 2765.
_DISGUISES = tuple(
    ipaddress.ip_network(text)
    for text in (
        "64:ff9b::/96",
        "64:ff9b:1::/48",
        "2002::/16",
        "2001::/32",
        "::ffff:0:0/96",
        "::/96",
        "::ffff:0:0:0/96",
        "fec0::/10",
    )
)
PORTS = {"https": 443, "http": 80}


class NotPublic(ValueError):
    """The address leads somewhere a webhook may not go."""


@dataclass(frozen=True)
class Target:
    """A checked destination: connect to `address`, speak to `host`."""

    scheme: str
    host: str
    port: int
    address: str
    path: str


def is_public(address: str) -> bool:
    """Whether an IP address belongs to the open internet."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return False
    if isinstance(parsed, ipaddress.IPv6Address) and any(parsed in network for network in _DISGUISES):
        return False
    return parsed.is_global and not parsed.is_multicast and not parsed.is_reserved


def target(url: str, *, may_be_local: bool = False) -> Target:
    """Resolve a webhook's URL once. Raises NotPublic unless each of its addresses is public and it is plain https.

    `may_be_local` lets http and any address through, for a receiver that the operator runs.
    """
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port or PORTS.get(parts.scheme, 0)
    except ValueError:
        raise NotPublic("not a URL") from None
    if not host or parts.scheme not in ({"http", "https"} if may_be_local else {"https"}):
        raise NotPublic("a webhook's URL begins with https:// and names a host")
    if (
        parts.username is not None
        or parts.password is not None
        or any(ord(letter) <= 32 or ord(letter) == 127 for letter in url)
    ):
        raise NotPublic("a webhook's URL holds no name, password, blank or control character")
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        raise NotPublic(f"{host} has no address") from None
    addresses = [str(info[4][0]) for info in found]
    if not addresses or not (may_be_local or all(map(is_public, addresses))):
        raise NotPublic(f"{host} leads to an address that is not public")
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return Target(parts.scheme, host, port, addresses[0], path)

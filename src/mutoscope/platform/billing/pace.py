"""How often something may be done from one address within a time, counted in the cache."""

from __future__ import annotations

import ipaddress
import time
from dataclasses import dataclass

from django.core.cache import cache
from django.http import HttpRequest


@dataclass(frozen=True, slots=True)
class Pace:
    """At most so many times in each stretch of so many seconds. Two at once may be counted as one."""

    name: str
    times_max: int
    window_s: int

    def wait_s(self, place: str) -> int:
        """How many seconds it is until it may be done again from there; 0 where it may be done now."""
        done: int = cache.get(self._key(place), 0)
        return 0 if done < self.times_max else self.window_s - int(time.time()) % self.window_s

    def count(self, place: str) -> None:
        """It was done once from there."""
        key = self._key(place)
        cache.set(key, cache.get(key, 0) + 1, self.window_s)

    def _key(self, place: str) -> str:
        return f"{self.name}:{place}:{int(time.time()) // self.window_s}"


def place_of(request: HttpRequest) -> str:
    """Where somebody asks from: their address, or the network that it is in."""
    # web/client_address.py has seen to the proxies.
    address: str = request.META.get("REMOTE_ADDR", "")
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return address
    if isinstance(found, ipaddress.IPv4Address):
        return str(found)
    if found.ipv4_mapped is not None:
        # What listens to both writes IPv4 so: as networks all of them would be one.
        return str(found.ipv4_mapped)
    # Everybody has as many addresses as they like. Of the number, since a network has no zone (`fe80::1%eth0`).
    return str(ipaddress.ip_network((int(found), 64), strict=False))


def soon(wait_s: int) -> str:
    """When to try again, as a page says it: `in 13 minutes`, never too early."""
    minutes = max(-(-wait_s // 60), 1)
    return "in a minute" if minutes == 1 else f"in {minutes} minutes"

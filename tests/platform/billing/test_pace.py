"""Whose tries are counted together."""

from __future__ import annotations

import pytest
from django.test import RequestFactory

from mutoscope.platform.billing.pace import place_of


@pytest.mark.parametrize(
    ("address", "place"),
    [
        ("203.0.113.7", "203.0.113.7"),
        # A socket for both, and a proxy before it, write IPv4 like this: by its network the whole of IPv4 would be one place.
        ("::ffff:203.0.113.7", "203.0.113.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::9", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("", ""),
        ("unix:", "unix:"),
    ],
)
def test_an_address_counts_alone_and_an_ipv6_network_as_one(address: str, place: str) -> None:
    assert place_of(RequestFactory().get("/", REMOTE_ADDR=address)) == place

"""The client's address, with 0, 1 and 2 reverse proxies of ours."""

from __future__ import annotations

import pytest
from django.http import HttpRequest, HttpResponse
from django.test import RequestFactory
from pytest_django import Settings

from mutoscope.web.client_address import ClientAddressMiddleware, is_from_this_machine


def seen(settings: Settings, proxies: int, forwarded: str, peer: str = "10.0.0.1") -> HttpRequest:
    settings.ENVIRONMENT = settings.ENVIRONMENT.model_copy(update={"trusted_proxies": proxies})
    request = RequestFactory().get("/", REMOTE_ADDR=peer, HTTP_X_FORWARDED_FOR=forwarded)
    ClientAddressMiddleware(lambda _: HttpResponse())(request)
    return request


@pytest.mark.parametrize(
    ("proxies", "forwarded", "address"),
    [
        (0, "203.0.113.7", "10.0.0.1"),
        (1, "203.0.113.7", "203.0.113.7"),
        (1, "198.51.100.1, 203.0.113.7", "203.0.113.7"),
        (2, "198.51.100.1, 203.0.113.7, 10.0.0.9", "203.0.113.7"),
        (2, "203.0.113.7", "10.0.0.1"),
        (1, "not an address", "10.0.0.1"),
        (1, "2001:db8::1", "2001:db8::1"),
    ],
)
def test_only_what_our_own_proxies_added_is_believed(
    settings: Settings, proxies: int, forwarded: str, address: str
) -> None:
    assert seen(settings, proxies, forwarded).META["REMOTE_ADDR"] == address


def test_what_came_through_a_tunnel_on_this_machine_is_not_from_this_machine(settings: Settings) -> None:
    assert not is_from_this_machine(seen(settings, 0, "203.0.113.7", peer="127.0.0.1"))
    for header in ("HTTP_X_FORWARDED_HOST", "HTTP_X_FORWARDED_PROTO", "HTTP_VIA"):
        request = RequestFactory().get("/", REMOTE_ADDR="127.0.0.1", **{header: "x"})
        ClientAddressMiddleware(lambda _: HttpResponse())(request)
        assert not is_from_this_machine(request), header
    request = RequestFactory().get("/", REMOTE_ADDR="127.0.0.1")
    ClientAddressMiddleware(lambda _: HttpResponse())(request)
    assert is_from_this_machine(request)

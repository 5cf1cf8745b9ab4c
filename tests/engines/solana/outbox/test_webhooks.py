"""Webhooks: signed, delivered again, and only to the open internet."""

from __future__ import annotations

import http.server
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from mutoscope.engines.solana.models import Event, WebhookDelivery, WebhookEndpoint
from mutoscope.engines.solana.outbox.addresses import NotPublic, is_public, target
from mutoscope.engines.solana.outbox.telling import tell_due
from mutoscope.engines.solana.outbox.webhooks import (
    KEY_HEADER,
    SIGNATURE_HEADER,
    BadSignature,
    deliver_due,
    secret_of,
    sign,
    verify,
)


class Receiver:
    """A host that answers each POST with the next status in line, and then with 200."""

    def __init__(self) -> None:
        self.statuses: list[int] = []
        self.requests: list[tuple[dict[str, str], bytes]] = []
        receiver = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                receiver.requests.append((dict(self.headers), body))
                status = receiver.statuses.pop(0) if receiver.statuses else 200
                self.send_response(status)
                self.send_header("Location", "http://127.0.0.1:1/")
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: Any) -> None: ...

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://localhost:{self.server.server_port}/hook?shop=1"
        self.thread = threading.Thread(target=self.server.serve_forever, daemon=True)
        self.thread.start()


@pytest.fixture
def host() -> Iterator[Receiver]:
    receiver = Receiver()
    yield receiver
    receiver.server.shutdown()
    receiver.server.server_close()
    receiver.thread.join()


@pytest.fixture
def local(settings: Any) -> None:
    settings.MUTOSCOPE_SOLANA = {"WEBHOOKS_MAY_BE_LOCAL": True}


def tell(key: str = "p:settled", name: str = "settled") -> None:
    Event.objects.create(key=key, name=name, payload={"amount": str(2**64 - 1)})
    tell_due()


def now_due() -> None:
    WebhookDelivery.objects.filter(due_at__isnull=False).update(due_at=timezone.now())


@pytest.mark.django_db
@pytest.mark.usefixtures("local")
def test_a_delivery_is_signed_and_carries_its_key(host: Receiver) -> None:
    endpoint = WebhookEndpoint.objects.create(url=host.url)
    tell()
    assert deliver_due() == 1
    ((headers, body),) = host.requests
    verify(secret_of(endpoint), headers[SIGNATURE_HEADER], body)
    assert headers[KEY_HEADER] == "p:settled"
    assert str(2**64 - 1).encode() in body
    assert deliver_due() == 0


@pytest.mark.django_db
@pytest.mark.usefixtures("local")
def test_a_refused_delivery_comes_again_with_the_same_key(host: Receiver) -> None:
    WebhookEndpoint.objects.create(url=host.url)
    host.statuses = [500, 302, 404]
    tell()
    delivered = 0
    for _ in range(4):
        now_due()
        delivered += deliver_due()
    assert delivered == 1
    assert {headers[KEY_HEADER] for headers, _ in host.requests} == {"p:settled"}
    assert len(host.requests) == 4


@pytest.mark.django_db
@pytest.mark.usefixtures("local")
def test_a_redirect_is_not_followed_and_a_wait_grows(host: Receiver) -> None:
    WebhookEndpoint.objects.create(url=host.url)
    host.statuses = [302]
    tell()
    assert deliver_due() == 0
    delivery = WebhookDelivery.objects.get()
    assert delivery.last_status == 302
    assert delivery.due_at is not None
    assert delivery.due_at > timezone.now()


@pytest.mark.django_db
@pytest.mark.usefixtures("local")
def test_only_the_events_that_were_asked_for(host: Receiver) -> None:
    WebhookEndpoint.objects.create(url=host.url, names=["expired"])
    WebhookEndpoint.objects.create(url=host.url, is_active=False)
    tell()
    assert not WebhookDelivery.objects.exists()


@pytest.mark.django_db
def test_a_local_address_is_not_asked_unless_the_operator_says_so(host: Receiver) -> None:
    WebhookEndpoint.objects.create(url=host.url)
    tell()
    assert deliver_due() == 0
    assert host.requests == []
    assert "https" in WebhookDelivery.objects.get().last_error


@pytest.mark.django_db
def test_no_copy_of_the_database_holds_a_secret() -> None:
    endpoint = WebhookEndpoint.objects.create(url="https://example.com/")
    row = WebhookEndpoint.objects.values().get()
    assert secret_of(endpoint) not in str(row)
    assert len(secret_of(endpoint)) > 60


# What a URL given by a stranger has been used for elsewhere, one of each kind.
INSIDE = [
    "http://example.com/",
    "https://127.0.0.1/",
    "https://127.1/",
    "https://2130706433/",
    "https://0x7f.1/",
    "https://0177.0.0.1/",
    "https://0.0.0.0/",
    "https://localhost/",
    "https://10.0.0.1/",
    "https://172.16.0.1/",
    "https://192.168.1.1/",
    "https://169.254.169.254/latest/meta-data/",
    "https://100.64.0.1/",
    "https://198.18.0.1/",
    "https://192.0.2.1/",
    "https://224.0.0.1/",
    "https://255.255.255.255/",
    "https://[::1]/",
    "https://[::]/",
    "https://[::ffff:127.0.0.1]/",
    "https://[::ffff:7f00:1]/",
    "https://[::127.0.0.1]/",
    "https://[64:ff9b::7f00:1]/",
    "https://[64:ff9b:1::a00:1]/",
    "https://[2002:7f00:1::]/",
    "https://[2001:0:7f00:1::]/",
    "https://[fe80::1]/",
    "https://[fc00::1]/",
    "https://[fec0::1]/",
    "https://[ff02::1]/",
    "https://user:password@example.com/",
    "https://exa mple.com/",
    "https://example.com/\r\nX: y",
    "https:///nothing",
    "ftp://example.com/",
    "file:///etc/passwd",
    "gopher://127.0.0.1/",
    "//127.0.0.1/",
    "https://127.0.0.1:99999/",
    "https://[::1",
    "",
]


@pytest.mark.parametrize("url", INSIDE)
def test_no_way_inside(url: str) -> None:
    with pytest.raises(NotPublic):
        target(url)


@given(st.ip_addresses())
def test_an_address_is_public_or_not_and_never_an_error(address: Any) -> None:
    assert is_public(str(address)) in {True, False}
    if address.is_private or address.is_loopback or address.is_link_local or address.is_multicast:
        assert not is_public(str(address))


def test_the_open_internet_is_open() -> None:
    assert is_public("93.184.216.34")
    assert is_public("2606:2800:220:1:248:1893:25c8:1946")


def test_another_body_another_secret_and_an_old_request_are_refused() -> None:
    header = sign("secret", b"body", 1000)
    verify("secret", header, b"body", now=1100)
    for secret, body, now in [("secret", b"bodY", 1100), ("Secret", b"body", 1100), ("secret", b"body", 1400)]:
        with pytest.raises(BadSignature):
            verify(secret, header, body, now=now)
    for broken in ["", "t=1", "v1=x", "t=x,v1=y", "t=1000,v1=é"]:
        with pytest.raises(BadSignature):
            verify("secret", broken, b"body", now=1000)

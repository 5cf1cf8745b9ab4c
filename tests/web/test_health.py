"""Alive says that the process answers; ready says that what a request needs is there."""

from __future__ import annotations

import pytest
from django.test import Client
from pytest_django import Settings

from mutoscope.web.health import endpoints


def test_alive_needs_no_database(client: Client) -> None:
    assert client.get("/livez").content == b"ok\n"


@pytest.mark.django_db
def test_ready_names_every_check(client: Client) -> None:
    answer = client.get("/readyz")
    assert answer.status_code == 200
    assert answer.json() == {"ready": True, "checks": {"database": "ok", "tables": "ok", "disk": "ok"}}


def test_without_a_database_it_is_not_ready_and_tells_strangers_no_reason(client: Client) -> None:
    """No django_db mark: pytest-django refuses the connection, as a server that is down would."""
    answer = client.get("/readyz")
    assert answer.status_code == 503
    assert answer.json()["checks"] == {"database": "failing", "tables": "failing", "disk": "ok"}


def test_what_is_not_ready_is_logged_by_its_check_and_not_again_as_an_error(
    client: Client, caplog: pytest.LogCaptureFixture
) -> None:
    assert client.get("/readyz").status_code == 503
    assert [record for record in caplog.records if record.name == "django.request"] == []


@pytest.mark.django_db
def test_a_disk_that_is_nearly_full_is_not_ready(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(endpoints, "FREE_BYTES_MIN", 1 << 62)
    assert client.get("/readyz").json()["checks"]["disk"] == "failing"


@pytest.mark.django_db
def test_probes_are_never_cached(client: Client, settings: Settings) -> None:
    for path in ("/livez", "/readyz"):
        assert "no-store" in client.get(path)["Cache-Control"]


@pytest.fixture
def production(settings: Settings) -> None:
    settings.ALLOWED_HOSTS = ["films.example.org"]
    settings.SITE_URL = "https://films.example.org"


@pytest.mark.usefixtures("production")
@pytest.mark.parametrize("host", ["127.0.0.1:8000", "localhost", "[::1]:8000", "films.example.org"])
def test_this_machine_itself_may_ask_at_its_own_address(client: Client, host: str) -> None:
    assert client.get("/livez", HTTP_HOST=host).status_code == 200


@pytest.mark.usefixtures("production")
def test_everybody_else_and_everything_else_wants_the_sites_name(client: Client) -> None:
    """A stranger's page whose name leads to this machine among them; and whatever a proxy here passes on."""
    local = {"HTTP_HOST": "127.0.0.1:8000"}
    assert client.get("/livez", HTTP_HOST="evil.example").status_code == 400
    assert client.get("/livez", HTTP_HOST="").status_code == 400
    assert client.get("/livez", **local, REMOTE_ADDR="192.0.2.7").status_code == 400
    assert client.get("/livez", **local, HTTP_X_FORWARDED_FOR="192.0.2.7").status_code == 400
    assert client.get("/account/login/", **local).status_code == 400

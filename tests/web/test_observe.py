"""Request ids, logs without secrets, and numbers that only the right people may read."""

from __future__ import annotations

import json
import logging
import logging.config

import pytest
import structlog
from django.db import OperationalError
from django.test import Client
from prometheus_client.core import Metric
from pydantic import SecretStr
from pytest_django import Settings

from mutoscope.engines.tasks.queue.metrics import QueueCollector
from mutoscope.web.environment import Environment
from mutoscope.web.observe import logs
from mutoscope.web.observe.redaction import STARS, clean, is_secret_name

CANARY = "canary-7f3a9c"


def test_every_answer_carries_an_id_of_its_own(client: Client) -> None:
    ids = {client.get("/livez")["X-Request-ID"] for _ in range(3)}
    assert len(ids) == 3


def test_a_strangers_request_id_is_not_taken_over_but_that_of_our_proxy_is(client: Client, settings: Settings) -> None:
    assert client.get("/livez", HTTP_X_REQUEST_ID="abcdef123456")["X-Request-ID"] != "abcdef123456"
    settings.ENVIRONMENT = settings.ENVIRONMENT.model_copy(update={"trusted_proxies": 1})
    assert client.get("/livez", HTTP_X_REQUEST_ID="abcdef123456")["X-Request-ID"] == "abcdef123456"
    assert client.get("/livez", HTTP_X_REQUEST_ID="a b\nc")["X-Request-ID"] != "a b\nc"


@pytest.mark.parametrize(
    "name",
    ["password", "password1", "new_password2", "PASSWORD", "csrfmiddlewaretoken", "csrf_token", "Authorization", "Cookie",
     "sessionid", "SECRET_KEY", "api_key", "wallet_seed", "mnemonic", "private_key", "otp", "token", "smtp_password"],
)  # fmt: skip
def test_a_field_with_a_secret_name_is_hidden(name: str) -> None:
    assert is_secret_name(name)


@pytest.mark.parametrize("name", ["path", "status", "monkey", "keyboard", "author", "idempotency_key", "passenger"])
def test_a_field_with_a_harmless_name_is_shown(name: str) -> None:
    assert not is_secret_name(name)


@pytest.mark.parametrize(
    "text",
    [
        f"could not connect: postgresql://films:{CANARY}@db/main",
        f"Authorization: Bearer {CANARY}",
        f"GET /accounts/confirm-email/{CANARY}/",
        f"GET /accounts/password/reset/key/{CANARY}/",
    ],
)
def test_a_secret_inside_a_sentence_is_hidden(text: str) -> None:
    assert CANARY not in clean(text)


def test_secrets_in_nested_structures_are_hidden_and_the_walk_ends() -> None:
    endless: dict[str, object] = {"password": CANARY, "list": [{"token": CANARY}]}
    endless["self"] = endless
    assert CANARY not in json.dumps(clean(endless))


def test_no_canary_reaches_the_log_by_any_way(capsys: pytest.CaptureFixture[str]) -> None:
    """Structured and classic logging, fields, messages, arguments and tracebacks."""
    before = logging.root.handlers[:]
    try:
        logging.config.dictConfig(logs.configure(Environment.model_validate({"MUTOSCOPE_LOG_FORMAT": "json"})))
        structlog.get_logger("a").info("signed in", password=CANARY, form={"csrf_token": CANARY, "name": "shown"})
        logging.getLogger("b").warning("connecting to %s", f"postgresql://u:{CANARY}@h/d")
        try:
            raise ValueError(f"Bearer {CANARY}")
        except ValueError:
            logging.getLogger("c").exception("failed")
    finally:
        logging.root.handlers[:] = before
    lines = capsys.readouterr().err
    assert CANARY not in lines
    assert STARS in lines
    assert "shown" in lines
    assert "ValueError" in lines
    assert [json.loads(line)["level"] for line in lines.splitlines()] == ["info", "warning", "error"]


@pytest.mark.django_db
def test_metrics_count_requests_for_this_machine_in_the_sandbox(client: Client) -> None:
    client.get("/livez")
    answer = client.get("/metrics")
    assert answer.status_code == 200
    assert b'mutoscope_http_requests_total{method="GET",status="200",view="livez"}' in answer.content
    assert b'tasks_depth{queue="default",state="ready"}' in answer.content
    assert b"mutoscope_ledger_unsealed_seconds " in answer.content


def test_without_a_database_metrics_are_still_given(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    def collect(self: QueueCollector) -> list[Metric]:
        raise OperationalError("the server is down")

    monkeypatch.setattr(QueueCollector, "collect", collect)
    client.get("/livez")
    assert b"mutoscope_http_requests_total" in client.get("/metrics").content


@pytest.mark.django_db
@pytest.mark.parametrize(
    "environ",
    [{"REMOTE_ADDR": "203.0.113.7"}, {"HTTP_X_FORWARDED_FOR": "127.0.0.1"}, {"HTTP_FORWARDED": "for=127.0.0.1"}],
)
def test_metrics_are_hidden_from_everyone_else(client: Client, environ: dict[str, str]) -> None:
    assert client.get("/metrics", **environ).status_code == 404


@pytest.mark.django_db
def test_with_a_token_metrics_go_to_its_holder_alone(client: Client, settings: Settings) -> None:
    settings.ENVIRONMENT = settings.ENVIRONMENT.model_copy(update={"metrics_token": SecretStr("right")})
    assert client.get("/metrics").status_code == 404
    assert client.get("/metrics", HTTP_AUTHORIZATION="Bearer wrong").status_code == 404
    assert client.get("/metrics", HTTP_AUTHORIZATION="Bearer right", REMOTE_ADDR="203.0.113.7").status_code == 200

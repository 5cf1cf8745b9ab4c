"""PostgreSQL takes a NUL in no text. Wherever one can be sent, at every address of the site, it is refused, and never an error of ours."""

from __future__ import annotations

import base64
import copy
import json
from collections.abc import Iterator
from typing import Any, get_args

import pytest
from django.core.cache import cache
from django.db import transaction
from django.test import Client
from django.test.client import encode_multipart
from pydantic import ValidationError

from mutoscope.platform.billing.api.schemas import Strict
from tests.web.test_access_matrix import BODIES, declared
from tests.web.world import HEADERS, World, open_world

pytestmark = pytest.mark.django_db

NUL = "AB\0C"
FIELDS = (
    "action_add", "address", "choice", "code", "coupon", "email", "film", "login", "message", "next", "nonce", "note", "number", "pack",
    "password", "password1", "points", "q", "reason", "request_key", "signature", "title", "token", "version",
)  # fmt: skip
FORM = dict.fromkeys(FIELDS, NUL)
COOKIES = ("session", "csrf", "messages", "sessionid", "playback-aaaaaaaaaaaa")


@pytest.fixture(scope="module")
def world(django_db_setup: None, django_db_blocker: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """One for all tests of this module: none of them changes it."""
    with django_db_blocker.unblock(), transaction.atomic():
        with open_world(tmp_path_factory.mktemp("nul")) as opened:
            yield opened
        transaction.set_rollback(True)


def asked(world: World, kind: str, method: str, path: str, **sent: Any) -> int:
    """The status of the answer; nothing stays as it was left."""
    client = world.clients[kind]
    cookies = copy.deepcopy(client.cookies)
    headers = {**HEADERS, **sent.pop("headers", {})}
    client.cookies.load(sent.pop("cookies", {}))
    with transaction.atomic():
        answer = client.generic(method, path, headers=headers, **sent)
        if answer.streaming:
            list(answer)  # type: ignore[call-overload]
        transaction.set_rollback(True)
    client.cookies = cookies
    return int(answer.status_code)


def rows(world: World, kind: str, *, changing: bool = False) -> Iterator[tuple[str, str, str]]:
    for row in declared():
        method, template = row.split()
        if not changing or method in ("POST", "PUT", "PATCH", "DELETE"):
            cache.clear()
            yield row, method, world.address(template, kind)


def test_in_a_path_and_in_a_query(world: World) -> None:
    # The guard refuses it before anybody is recognised: one kind of person stands for all.
    kind, failed = "owner", []
    for row, method, path in rows(world, kind):
        plain = path.partition("?")[0]
        asked_for = (f"{plain}?q=a%00b&next=%00", f"{plain.rstrip('/')}%00/", f"{plain}%00")
        failed += [(row, bad) for bad in asked_for if asked(world, kind, method, bad) != 400]
    assert failed == []


@pytest.mark.parametrize("kind", ["anonymous", "owner"])
@pytest.mark.parametrize("value", ["a" * 31 + "\0", "é" * 3000], ids=["nul", "long"])
def test_in_a_cookie(world: World, kind: str, value: str) -> None:
    names = COOKIES if kind == "anonymous" else COOKIES[1:]
    failed = []
    for row, method, path in rows(world, kind):
        status = asked(world, kind, method, path, cookies=dict.fromkeys(names, value))
        if status >= 500:
            failed.append((row, status))
    assert failed == []


def test_in_a_form_of_either_kind(world: World) -> None:
    kind, failed = "owner", []
    for row, method, path in rows(world, kind, changing=True):
        if path.startswith("/uploads/"):
            continue
        form = FORM | {name: NUL for name in (BODIES.get(row) or {}) if isinstance(BODIES.get(row), dict)}
        for content_type, data in (
            ("application/x-www-form-urlencoded", b"&".join(f"{name}=AB%00C".encode() for name in form)),
            ("multipart/form-data; boundary=x", encode_multipart("x", form)),
        ):
            status = asked(world, kind, method, path, data=data, content_type=content_type)
            # A form with files is read where it is posted, and nowhere else.
            is_read = method == "POST" or "urlencoded" in content_type
            if status != 400 if is_read else status >= 500:
                failed.append((row, content_type, status))
    assert failed == []


@pytest.mark.parametrize("kind", ["buyer", "owner"])
@pytest.mark.parametrize("text", [r"AB\u0000C", r"AB\ud83dC"])
def test_in_json(world: World, kind: str, text: str) -> None:
    failed = []
    for row, method, path in rows(world, kind, changing=True):
        body = BODIES.get(row)
        known = body if isinstance(body, dict) else json.loads(body) if isinstance(body, str) else {}
        for name in (*known, *FIELDS):
            data = json.dumps({**known, name: "?"}).replace('"?"', f'"{text}"')
            status = asked(world, kind, method, path, data=data, content_type="application/json")
            if status >= 500:
                failed.append((row, name, status))
            if not known:
                break
    assert failed == []


def test_in_headers_that_name_things(world: World) -> None:
    encoded = base64.b64encode(b"\0abc").decode()
    names = ("video", "filename", "filetype")
    bad = [
        *({"Upload-Metadata": f"{name} {encoded}", "Upload-Length": "5"} for name in names),
        {"Upload-Metadata": "video \u00e9", "Upload-Length": "5"},
        {"Upload-Length": "5", "Upload-Checksum": "sha1 \u00e9"},
    ]
    for headers in bad[:-1]:
        assert asked(world, "owner", "POST", "/uploads/", headers=headers) == 400, headers
    path = world.address("/uploads/{upload}", "owner")
    sent = {"data": b"abc", "content_type": "application/offset+octet-stream"}
    assert asked(world, "owner", "PATCH", path, headers={"Upload-Offset": "0", **bad[-1]}, **sent) == 400


@pytest.mark.parametrize("value", ["http://[", "http://a\0b/"])
def test_headers_that_are_no_address(world: World, value: str) -> None:
    headers = {"HX-Current-URL": value, "Referer": value, "HX-Request": "true", "Origin": value}
    for kind in ("anonymous", "buyer"):
        failed = [
            row for row, method, path in rows(world, kind) if asked(world, kind, method, path, headers=headers) >= 500
        ]
        assert failed == []


@pytest.mark.parametrize("schema", Strict.__subclasses__(), ids=lambda schema: schema.__name__)
def test_the_api_names_the_field_that_holds_one(schema: type[Strict]) -> None:
    for name, field in schema.model_fields.items():
        if field.annotation is str or str in get_args(field.annotation):
            with pytest.raises(ValidationError) as refused:
                schema.model_validate({name: NUL})
            assert (name,) in [error["loc"] for error in refused.value.errors()]


def test_the_apis_refusal_is_a_422_that_names_the_field(world: World) -> None:
    path = world.address("/api/billing/top-ups/{top-up}/refunds", "buyer")
    answer = world.clients["buyer"].post(path, {"nonce": NUL}, content_type="application/json", headers=HEADERS)
    assert answer.status_code == 422
    assert "nonce" in answer.content.decode()


def test_a_session_that_nobody_could_have_been_given_is_none(client: Client) -> None:
    client.cookies["session"] = "\0" * 8
    assert client.get("/").status_code == 200
    assert client.get("/wallet/")["Location"].startswith("/account/login/")

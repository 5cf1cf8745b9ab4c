"""What no honest browser sends is refused with the right status before any view sees it."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

import pytest
from django.test import Client

from mutoscope.web.guard import JSON_DEPTH_MAX, Refused, check_json_depth

PART = b'--x\r\nContent-Disposition: form-data; name="coupon"\r\n\r\n%s\r\n--x--\r\n'


@pytest.mark.parametrize(
    ("environ", "status", "word"),
    [
        ({"PATH_INFO": "/a\0b"}, 400, "NUL"),
        ({"PATH_INFO": "/a\xffb"}, 404, ""),
        ({"PATH_INFO": "/" + "a" * 3000}, 414, "address"),
        ({"QUERY_STRING": "q=a%00b"}, 400, "NUL"),
        ({"QUERY_STRING": "q=%ff%fe"}, 400, "UTF-8"),
        ({"QUERY_STRING": "q=" + "a" * 9000}, 414, "address"),
        ({"HTTP_X_LONG": "a" * 20_000}, 431, "X-Long"),
        ({f"HTTP_X_{number}": "a" for number in range(70)}, 431, "too many headers"),
        ({"HTTP_HOST": "evil.example"}, 400, ""),
        ({"HTTP_HOST": "localhost\r\nX-Evil: 1"}, 400, ""),
    ],
    ids=["nul", "latin-1", "long-path", "nul-query", "latin-1-query", "long-query", "long-header", "headers", "host", "crlf"],
)  # fmt: skip
def test_a_malformed_request_gets_a_4xx_that_names_the_part(
    client: Client, environ: dict[str, Any], status: int, word: str
) -> None:
    answer = client.get("/livez", **environ)
    assert answer.status_code == status
    assert word in answer.content.decode()


@pytest.mark.parametrize(
    ("kind", "body", "status", "word"),
    [
        ("application/x-www-form-urlencoded", b"name=a%00b", 400, "NUL"),
        ("application/x-www-form-urlencoded", b"name=a\0b", 400, "NUL"),
        ("application/x-www-form-urlencoded", b"name=%c3%28", 400, "UTF-8"),
        ("application/x-www-form-urlencoded", b"a=1&" * 3000, 400, "too many fields"),
        ("multipart/form-data; boundary=x", PART % b"a\0b", 400, "NUL"),
        ("application/json", b"[" * 100_000, 400, "nested"),
        ("application/json", b'{"a":' * 1000, 400, "nested"),
        ("application/octet-stream", b"a" * (1024 * 1024 + 1), 413, "too large"),
        ("multipart/form-data; boundary=x", b"a" * (20 * 1024 * 1024 + 1), 413, "too large"),
    ],
)
def test_a_malformed_body_gets_a_4xx_that_says_why(
    client: Client, kind: str, body: bytes, status: int, word: str
) -> None:
    answer = client.post("/livez", data=body, content_type=kind)
    assert answer.status_code == status
    assert word in answer.content.decode()


@pytest.mark.django_db
def test_a_form_with_files_and_too_many_fields_is_refused_without_a_traceback(
    client: Client, caplog: pytest.LogCaptureFixture
) -> None:
    answer = client.post("/account/login/", {f"field{number}": "a" for number in range(300)})
    assert answer.status_code == 400
    assert [record.message for record in caplog.records if record.exc_info] == []


@pytest.mark.parametrize("length", ["-1", "1e3", "٣", "0x10", "1" * 40])
def test_a_content_length_that_is_no_length_is_refused(client: Client, length: str) -> None:
    assert client.post("/livez", data=b"", content_type="text/plain", CONTENT_LENGTH=length).status_code in {400, 413}


def test_what_was_sent_is_not_repeated(client: Client) -> None:
    answer = client.get("/livez", QUERY_STRING="q=hunter2%00")
    assert b"hunter2" not in answer.content


@pytest.mark.parametrize(
    "body",
    [
        b'{"text": "[[[[[[ {{{{{{ \\" [[[["}' + b" " * 100,
        b"[" * JSON_DEPTH_MAX + b"]" * JSON_DEPTH_MAX,
        b"[[],[],[]]" * 1000,
        b'"' + b'\\"' * 5000,
    ],
)
def test_brackets_inside_strings_and_side_by_side_are_not_depth(body: bytes) -> None:
    check_json_depth(body)


def test_depth_is_counted_exactly() -> None:
    with pytest.raises(Refused) as refusal:
        check_json_depth(b"[" * (JSON_DEPTH_MAX + 1))
    assert refusal.value.status is HTTPStatus.BAD_REQUEST


def test_a_program_is_refused_with_a_problem_document(client: Client) -> None:
    answer = client.get("/api/billing/balance?a=%00")
    assert (answer.status_code, answer["Content-Type"]) == (400, "application/problem+json")
    assert answer.json() == {
        "type": "about:blank",
        "title": "Bad Request",
        "status": 400,
        "detail": "The query holds a NUL character.",
    }

"""Refusals: the right status, a page for people, and no page for scripts."""

from __future__ import annotations

import pytest
from django.db import connection
from django.test import Client, RequestFactory
from django.test.utils import CaptureQueriesContext

from mutoscope.web.errors import WITHOUT_DATABASE, WORDS, error_page
from tests.people import PASSWORD, make_person

# What a browser says when somebody follows a link or sends a form.
BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"


@pytest.mark.parametrize("status", sorted(WITHOUT_DATABASE))
def test_pages_about_our_own_trouble_need_no_database(status: int, django_assert_num_queries: object) -> None:
    # pytest-django refuses every query here: this test has no `db` mark.
    answer = error_page(RequestFactory().get("/films/?a=<b>"), status)
    assert answer.status_code == status
    assert WORDS[status].title in answer.content.decode()


@pytest.mark.django_db
@pytest.mark.parametrize("method", ["post", "put", "delete"])
def test_a_bare_405_gets_a_page_and_keeps_what_is_allowed(client: Client, method: str) -> None:
    answer = getattr(client, method)("/", headers={"accept": BROWSER})
    assert answer.status_code == 405
    assert answer["Allow"] == "GET, HEAD"
    assert WORDS[405].title in answer.content.decode()


@pytest.mark.django_db
def test_a_script_gets_no_page(client: Client) -> None:
    assert client.post("/", headers={"accept": "application/json"}).content == b""
    assert client.post("/", headers={"accept": "*/*"}).content == b""
    assert client.post("/", headers={"accept": BROWSER, "hx-request": "true"}).content == b""


@pytest.mark.django_db
def test_what_the_guard_refuses_has_a_page_and_our_headers(client: Client) -> None:
    too_long = client.get("/?" + "a" * 20_000, headers={"accept": BROWSER})
    too_much = client.post("/account/signup/", headers={"accept": BROWSER, "content-length": "99999999999"})
    for answer, status in ((too_long, 414), (too_much, 413)):
        assert answer.status_code == status
        assert WORDS[status].title in answer.content.decode()
        assert "default-src 'none'" in answer["Content-Security-Policy"]
    plain = client.get("/?" + "a" * 20_000)
    assert plain["Content-Type"].startswith("text/plain")
    assert plain["X-Content-Type-Options"] == "nosniff"


@pytest.mark.django_db
def test_a_host_that_is_not_ours_is_refused_with_a_page(client: Client) -> None:
    answer = client.get("/", headers={"host": "evil.example"})
    assert answer.status_code == 400
    assert "evil.example" not in answer.content.decode()


@pytest.mark.django_db
def test_an_unknown_address_is_said_so_and_echoes_nothing(client: Client) -> None:
    answer = client.get("/<script>alert(1)</script>/")
    assert answer.status_code == 404
    assert "alert(1)" not in answer.content.decode()


@pytest.mark.django_db
def test_the_page_about_a_stale_form_repeats_nothing_that_was_typed() -> None:
    client = Client(enforce_csrf_checks=True)
    answer = client.post("/account/signup/", {"email": "ada@example.org", "username": "ada", "password1": PASSWORD})
    assert answer.status_code == 403
    page = answer.content.decode()
    assert "Your browser kept no cookie" in page
    for typed in ("ada@example.org", PASSWORD):
        assert typed not in page
    client.get("/account/signup/")
    assert "This form was out of date" in client.post("/account/signup/", {}).content.decode()


@pytest.mark.django_db
@pytest.mark.parametrize("path", ["/", "/account/login/", "/@northlight", "/gallery/"])
def test_pages_cost_few_queries_signed_out(client: Client, path: str) -> None:
    with CaptureQueriesContext(
        connection,
    ) as queries:
        client.get(path)
    # Session, person, their channel; then one for each row: where they left, what is new, whose channels.
    assert len(queries) <= 6, [query["sql"] for query in queries]


@pytest.mark.django_db
def test_home_costs_few_queries_signed_in(client: Client) -> None:
    client.force_login(make_person())
    with CaptureQueriesContext(connection) as queries:
        client.get("/")
    # Session, person, their channel; then one for each row: where they left, what is new, whose channels.
    assert len(queries) <= 6, [query["sql"] for query in queries]

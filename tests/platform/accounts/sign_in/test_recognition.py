"""Who a request comes from, read by prepared statements: the same answers as Django's own stores give."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth import HASH_SESSION_KEY, SESSION_KEY
from django.contrib.sessions.backends import db
from django.contrib.sessions.models import Session
from django.db import connection
from django.http import HttpRequest, HttpResponse
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from mutoscope.platform.accounts.models import Person
from mutoscope.platform.accounts.sign_in.recognition import AuthenticationBackend, RecognitionMiddleware, SessionStore
from tests.people import make_person

pytestmark = pytest.mark.django_db


def request_of(client: Client) -> HttpRequest:
    request = HttpRequest()
    request.session = SessionStore(client.cookies["session"].value)
    RecognitionMiddleware(lambda _: HttpResponse()).process_request(request)
    return request


def statements_of(read: Callable[[], object]) -> int:
    with CaptureQueriesContext(connection) as queries:
        read()
    return len(queries)


def test_a_person_comes_as_the_orm_reads_them() -> None:
    person = make_person("nora")
    found = AuthenticationBackend().get_user(person.pk)
    read = Person.objects.get(pk=person.pk)
    assert found == read
    assert {name: value for name, value in vars(found).items() if name != "_state"} == {
        name: value for name, value in vars(read).items() if name != "_state"
    }
    assert found is not None
    assert not found.get_deferred_fields()
    # And it can be saved as what it is: a row that is there already.
    found.email = "other@example.org"
    found.save()
    assert Person.objects.get().email == "other@example.org"


def test_nobody_is_recognised_by_a_number_that_is_nobodys_or_a_suspended_ones() -> None:
    person = make_person("nora", is_active=False)
    assert AuthenticationBackend().get_user(person.pk) is None
    assert AuthenticationBackend().get_user(person.pk + 1) is None


def test_a_session_holds_what_was_put_in_whatever_it_is() -> None:
    content = {"place": "row 7", "odd": 'a\x00b \ud800 "_auth_user_id":"1"', "list": [1, None, {"deep": True}]}
    store = SessionStore()
    store.update(content)
    store.create()
    assert store.session_key is not None
    assert dict(SessionStore(store.session_key).items()) == content


def test_a_session_that_djangos_own_store_wrote_is_read(client: Client) -> None:
    person = make_person("nora")
    client.force_login(person)
    signed = db.SessionStore()
    signed.update(SessionStore(client.cookies["session"].value).items())
    signed.create()
    assert signed.session_key is not None
    client.cookies["session"] = signed.session_key
    assert request_of(client).user == person


def test_an_expired_session_is_empty() -> None:
    store = SessionStore()
    store["place"] = "row 7"
    store.create()
    Session.objects.update(expire_date=timezone.now() - timedelta(seconds=1))
    assert SessionStore(store.session_key).get("place") is None


def test_a_key_that_somebody_chose_is_not_taken_up() -> None:
    store = SessionStore("chosen-by-somebody")
    assert store.get("place") is None
    store["place"] = "row 7"
    store.save()
    assert store.session_key != "chosen-by-somebody"


def test_a_changed_password_ends_what_was_signed_in_before(client: Client) -> None:
    person = make_person("nora")
    client.force_login(person)
    assert request_of(client).user == person
    person.set_password("another seven lamps")
    person.save()
    assert request_of(client).user.is_anonymous


def test_a_suspended_person_is_nobody(client: Client) -> None:
    person = make_person("nora")
    client.force_login(person)
    Person.objects.update(is_active=False)
    assert request_of(client).user.is_anonymous


def test_a_session_whose_person_is_gone_is_nobodys(client: Client) -> None:
    person = make_person("nora")
    client.force_login(person)
    person.delete()
    assert request_of(client).user.is_anonymous


@pytest.mark.parametrize("name", [SESSION_KEY, HASH_SESSION_KEY])
def test_a_session_that_was_changed_is_nobodys(client: Client, name: str) -> None:
    """Whatever stands in it, the hash made of the person's password and the site's key has to fit."""
    other = make_person("omar")
    client.force_login(make_person("nora"))
    session = SessionStore(client.cookies["session"].value)
    session[name] = str(other.pk) if name == SESSION_KEY else "0" * 64
    session.save()
    assert request_of(client).user.is_anonymous


def test_who_signs_in_as_another_in_the_same_request_is_that_one(client: Client) -> None:
    first, second = make_person("nora"), make_person("omar")
    client.force_login(first)
    request = request_of(client)
    assert request.session[SESSION_KEY] == str(first.pk)
    request.session[SESSION_KEY] = str(second.pk)
    request.session[HASH_SESSION_KEY] = second.get_session_auth_hash()
    assert request.user == second


def test_both_are_one_statement_prepared_on_the_server(client: Client) -> None:
    client.force_login(make_person("nora"))
    assert statements_of(lambda: request_of(client).user.pk) == 1
    # Whoever counts sees them go Django's way, so once more without.
    assert request_of(client).user.pk
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_prepared_statements WHERE statement ~ 'django_session.*accounts_person'"
        )
        assert cursor.fetchone() == (1,)


def test_a_changed_site_key_signs_out_unless_the_old_one_is_kept(client: Client, settings: Any) -> None:
    client.force_login(make_person("nora"))
    old = settings.SECRET_KEY
    settings.SECRET_KEY = "another key of fifty characters, as Django wishes it"
    settings.SECRET_KEY_FALLBACKS = [old]
    assert request_of(client).user.is_authenticated
    client.cookies["session"] = Session.objects.get().session_key
    settings.SECRET_KEY = "a third key, of which nobody has heard so far, here"
    settings.SECRET_KEY_FALLBACKS = []
    assert request_of(client).user.is_anonymous

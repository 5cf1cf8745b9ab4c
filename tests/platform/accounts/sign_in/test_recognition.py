"""Who a request comes from, read by prepared statements: the same answers as Django's own stores give."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.contrib.auth import get_user
from django.contrib.sessions.backends import db
from django.contrib.sessions.models import Session
from django.db import connection
from django.http import HttpRequest
from django.test import Client
from django.utils import timezone

from mutoscope.platform.accounts.models import Person
from mutoscope.platform.accounts.sign_in.recognition import AuthenticationBackend, SessionStore
from tests.people import make_person

pytestmark = pytest.mark.django_db


def request_of(client: Client) -> HttpRequest:
    request = HttpRequest()
    request.session = SessionStore(client.cookies["session"].value)
    return request


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


def test_a_session_holds_what_was_put_in_and_djangos_own_store_agrees() -> None:
    store = SessionStore()
    store["place"] = "row 7"
    store.create()
    assert store.session_key is not None
    assert SessionStore(store.session_key)["place"] == "row 7"
    assert db.SessionStore(store.session_key)["place"] == "row 7"


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
    assert get_user(request_of(client)) == person
    person.set_password("another seven lamps")
    person.save()
    assert get_user(request_of(client)).is_anonymous


def test_both_are_prepared_on_the_server(client: Client) -> None:
    person = make_person("nora")
    client.force_login(person)
    get_user(request_of(client))
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_prepared_statements WHERE statement ~ 'django_session|accounts_person'")
        assert cursor.fetchone() == (2,)

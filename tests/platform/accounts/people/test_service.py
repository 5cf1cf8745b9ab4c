"""People who are given an account."""

from __future__ import annotations

import pytest
from django.test import Client

from mutoscope.platform.accounts.models import Person
from mutoscope.platform.accounts.public import AddPerson, AddPersonInputs, Unacceptable, UsernameTaken
from tests.people import PASSWORD, make_person

pytestmark = pytest.mark.django_db


def test_whoever_is_added_can_sign_in_at_once() -> None:
    AddPerson().call(
        AddPersonInputs(username="Opal", email="Opal@Example.org", password=PASSWORD, is_staff=True, is_superuser=True)
    )
    client = Client()
    assert client.post("/account/login/", {"login": "opal@example.org", "password": PASSWORD})["Location"] == "/"
    assert client.get("/operator/").status_code == 200


def test_without_a_password_no_password_fits() -> None:
    added = AddPerson().call(AddPersonInputs(username="opal", email="opal@example.org"))
    assert not added.person.has_usable_password()


def test_a_look_alike_is_refused_and_nothing_is_half_done() -> None:
    make_person("nora")
    with pytest.raises(UsernameTaken):
        AddPerson().call(AddPersonInputs(username="n0ra", email="other@example.org"))
    with pytest.raises(Unacceptable) as refusal:
        AddPerson().call(AddPersonInputs(username="a b", email="other@example.org"))
    assert refusal.value.field() == "username"
    assert Person.objects.count() == 1


def test_the_operator_pages_refuse_look_alikes_by_their_field() -> None:
    make_person("nora")
    client = Client()
    client.force_login(make_person("opal", is_staff=True, is_superuser=True))
    new = {"usable_password": "false", "email": "x@example.org"}
    answer = client.post("/operator/accounts/person/add/", {**new, "username": "n0ra"})
    assert answer.status_code == 200
    assert "looks too much like" in str(answer.context["adminform"].form.errors["username"])
    assert client.post("/operator/accounts/person/add/", {**new, "username": "petra"}).status_code == 302
    assert set(Person.objects.values_list("username", flat=True)) == {"nora", "opal", "petra"}

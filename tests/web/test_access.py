"""What staff can do with the operator pages, and what nobody can. Who gets what at which address: test_access_matrix.py."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import Group
from django.test import Client

from mutoscope.platform.accounts.models import Person
from tests.people import make_person


@pytest.fixture
def superuser(db: None) -> Client:
    client = Client()
    client.force_login(make_person("opal", is_staff=True, is_superuser=True))
    return client


def test_nobody_reads_second_factors(superuser: Client) -> None:
    assert superuser.get("/operator/mfa/authenticator/").status_code == 404


@pytest.mark.django_db
def test_roles_see_their_tables_and_cannot_make_staff() -> None:
    for role in ("operator", "support"):
        person = make_person(f"the-{role}", is_staff=True)
        person.groups.add(Group.objects.get(name=role))
        client = Client()
        client.force_login(person)
        assert client.get("/operator/accounts/person/").status_code == 200
        assert client.get("/operator/support/mail/").status_code == 200
        assert client.get("/operator/auth/group/").status_code == 403
        client.post(f"/operator/accounts/person/{person.pk}/change/", {"is_superuser": "on", "is_active": "on"})
        person.refresh_from_db()
        assert not person.is_superuser


@pytest.mark.django_db
@pytest.mark.parametrize("role", ["operator", "support", "nothing but superuser"])
def test_nobody_reads_the_hash_of_a_password(role: str) -> None:
    petra = make_person("petra")
    petra.set_password("a long one, and nobody's")
    petra.save()
    looking = make_person("looking", is_staff=True, is_superuser=role == "nothing but superuser")
    looking.groups.set(Group.objects.filter(name=role))
    client = Client()
    client.force_login(looking)
    for person in (petra, looking):
        page = client.get(f"/operator/accounts/person/{person.pk}/change/").content.decode()
        assert person.email in page
        assert petra.password.split("$")[-1] not in page


def test_an_operator_suspends_a_person_but_no_staff(superuser: Client) -> None:
    operator = make_person("the-operator", is_staff=True)
    operator.groups.add(Group.objects.get(name="operator"))
    client = Client()
    client.force_login(operator)
    petra, opal = make_person("petra"), Person.objects.get(username="opal")
    assert client.post(f"/operator/accounts/person/{petra.pk}/change/", {}).status_code == 302
    petra.refresh_from_db()
    assert not petra.is_active
    assert client.post(f"/operator/accounts/person/{opal.pk}/change/", {}).status_code == 403
    assert client.get(f"/operator/accounts/person/{petra.pk}/password/").status_code == 403


def test_in_production_the_operator_pages_need_a_second_factor(superuser: Client, settings: Any) -> None:
    settings.SANDBOX = False
    answer = superuser.get("/operator/", follow=True)
    assert answer.redirect_chain[-1][0] == "/account/two-step/"
    assert "need two-step sign-in" in answer.content.decode()


def test_the_gallery_is_for_sandboxes(client: Client, settings: Any, db: None) -> None:
    settings.SANDBOX = False
    assert client.get("/gallery/").status_code == 404

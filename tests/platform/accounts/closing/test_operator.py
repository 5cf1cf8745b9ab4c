"""Closing somebody's account in the operator's pages."""

from __future__ import annotations

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Group
from django.core import mail
from django.test import Client

from mutoscope.platform.accounts.closing.models import Closing
from mutoscope.platform.accounts.closing.tasks import erase_all
from mutoscope.platform.accounts.models import Person
from mutoscope.platform.accounts.public import holders
from tests.people import make_channel, make_person
from tests.platform.accounts.closing.leavers import Bank, close, let_two_weeks_pass

pytestmark = pytest.mark.django_db

PEOPLE = "/operator/accounts/person/"


def staff(role: str = "operator", name: str = "opal") -> Client:
    person = make_person(name, is_staff=True, is_superuser=role == "superuser")
    if role in ("operator", "support"):
        person.groups.add(Group.objects.get(name=role))
    client = Client()
    client.force_login(person)
    return client


def page_of(person: Person) -> str:
    return f"{PEOPLE}{person.pk}/close/"


def test_a_person_is_closed_with_a_reason_and_told_by_mail() -> None:
    person, operator = make_person("nora"), staff()
    assert f'href="{page_of(person)}"' in operator.get(f"{PEOPLE}{person.pk}/change/").content.decode()
    assert "One who asks" not in operator.get(page_of(person)).content.decode()
    empty = operator.post(page_of(person), {"reason": ""})
    assert "Say why the account is closed." in empty.content.decode()
    assert not Closing.objects.exists()
    done = operator.post(page_of(person), {"reason": "Asked by mail on Monday"})
    assert done["Location"] == f"{PEOPLE}{person.pk}/change/"
    closing = Closing.objects.get()
    assert (closing.person, closing.by.username, closing.reason) == (person, "opal", "Asked by mail on Monday")
    assert mail.outbox[0].to == ["nora@example.org"]
    assert "Monday" not in LogEntry.objects.get().change_message
    assert "Asked by mail on Monday" in operator.get(page_of(person)).content.decode()


def test_it_can_be_kept_until_it_is_erased() -> None:
    person, operator = make_person("nora"), staff()
    close(person)
    assert operator.post(page_of(person), {"keep": "1"}).status_code == 302
    assert not Closing.objects.exists()
    close(person)
    let_two_weeks_pass(person)
    erase_all()
    assert operator.post(page_of(person), {"keep": "1"}).status_code in (403, 404)
    assert Closing.objects.exists()


def test_what_prevents_it_is_said_and_what_holds_up_the_erasure_too() -> None:
    person, operator = make_person("nora"), staff()
    with holders.bound([Bank(is_open=False)]):
        assert "The bank is closed." in operator.get(page_of(person)).content.decode()
        answer = operator.post(page_of(person), {"reason": "Asked"}, follow=True).content.decode()
        assert "The bank is closed." in answer
        assert not Closing.objects.exists()
    close(person)
    with holders.bound([Bank(is_open=False)]):
        assert "What holds up the erasure" in operator.get(page_of(person)).content.decode()


@pytest.mark.parametrize(("role", "status"), [("none", 403), ("support", 403), ("operator", 200), ("superuser", 200)])
def test_only_who_may_change_people_may_close_them(role: str, status: int) -> None:
    person = make_person("nora")
    client = staff(role)
    assert client.get(page_of(person)).status_code == status
    assert client.post(page_of(person), {"reason": "Asked"}).status_code == (302 if status == 200 else status)
    assert Closing.objects.exists() is (status == 200)


def test_an_operator_closes_no_staff_and_nobody_opens_a_closed_account_beside() -> None:
    other, person = make_person("petra", is_staff=True), make_person("nora")
    operator = staff()
    assert operator.get(page_of(other)).status_code == 403
    assert operator.get(f"{PEOPLE}999999/close/").status_code == 404
    close(person)
    assert 'name="is_active"' not in operator.get(f"{PEOPLE}{person.pk}/change/").content.decode()


def test_the_list_tells_closed_ones_and_nothing_erased_can_be_read() -> None:
    closing, closed, there = (make_person(name) for name in ("nora", "ruth", "ada"))
    make_channel(closed, "northlight")
    for person in (closing, closed):
        close(person)
    let_two_weeks_pass(closed)
    erase_all()
    superuser = staff("superuser")
    for value, found in (("closing", closing), ("closed", closed)):
        rows = superuser.get(f"{PEOPLE}?closed={value}").context["cl"].queryset
        assert list(rows) == [found]
    assert there in superuser.get(f"{PEOPLE}?closed=no").context["cl"].queryset
    for address in (
        f"{PEOPLE}{closed.pk}/change/",
        f"{PEOPLE}{closed.pk}/history/",
        PEOPLE,
        "/operator/accounts/channel/",
        f"/operator/accounts/channel/{closed.channel.pk}/change/",
    ):
        page = superuser.get(address).content.decode()
        assert "ruth" not in page
        assert "northlight" not in page
    assert superuser.get(page_of(closed)).status_code == 403
    assert superuser.get(f"{PEOPLE}{closed.pk}/password/").status_code == 403
    assert 'name="username"' not in superuser.get(f"{PEOPLE}{closed.pk}/change/").content.decode()

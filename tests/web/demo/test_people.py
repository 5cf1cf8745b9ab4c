"""The demo's people: there once, whatever happens, and never with a password that somebody else knows."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.test import Client
from pytest_django import Settings

from mutoscope.platform.accounts.public import Channel, Person
from mutoscope.web.demo.people import FILE, furnish


@pytest.fixture(autouse=True)
def home_of_its_own(settings: Settings, tmp_path: Path) -> Path:
    settings.HOME = tmp_path
    return tmp_path


@pytest.mark.django_db
def test_each_can_sign_in_and_the_second_call_makes_nobody(client: Client) -> None:
    first = furnish()
    assert furnish() == first
    assert Person.objects.count() == len(first) == 3
    for sign_in in first:
        assert client.login(username=sign_in.username, password=sign_in.password), sign_in.role
    assert Channel.objects.get().owner.username == "demo-creator"
    operator = Person.objects.get(is_staff=True)
    assert operator.username == "demo-operator"
    # By the role and no more: who tries the site out sees what an operator sees.
    assert not operator.is_superuser
    assert [group.name for group in operator.groups.all()] == ["operator"]


@pytest.mark.django_db
def test_a_changed_password_stays_changed(client: Client) -> None:
    sign_in = furnish()[0]
    person = Person.objects.get(username=sign_in.username)
    person.set_password("chosen on the site")
    person.save()
    furnish()
    assert not client.login(username=sign_in.username, password=sign_in.password)


@pytest.mark.django_db
def test_the_password_differs_between_sandboxes_and_only_the_owner_reads_it(home_of_its_own: Path) -> None:
    first = furnish()[0].password
    kept = home_of_its_own / "secrets" / FILE
    assert kept.stat().st_mode & 0o077 == 0
    kept.unlink()
    assert furnish()[0].password != first

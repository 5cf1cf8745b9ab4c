"""People who leave, and stand-ins for whoever holds something of them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from django.test import Client
from django.utils import timezone

from mutoscope.platform.accounts.closing.models import Closing
from mutoscope.platform.accounts.closing.service import CloseAccount, CloseAccountInputs
from mutoscope.platform.accounts.models import Person
from mutoscope.platform.accounts.public import Hindrance, Holder
from tests.people import PASSWORD


class Bank(Holder):
    """Prevents it while it is told to, and breaks down in the middle of the erasure."""

    def __init__(self, *, is_open: bool = True, breaks: bool = False) -> None:
        self.is_open, self.breaks = is_open, breaks

    def hindrances(self, person: Person, /) -> Sequence[Hindrance]:
        return () if self.is_open else (Hindrance("The bank is closed. Wait for it.", "/wallet/", "The bank"),)

    def erase(self, person: Person, /) -> None:
        Person.objects.filter(pk=person.pk).update(email="half@example.org")
        if self.breaks:
            raise ConnectionResetError


def close(person: Person) -> Closing:
    CloseAccount().call(CloseAccountInputs(person.pk))
    return Closing.objects.get(person=person)


def let_two_weeks_pass(person: Person) -> None:
    Closing.objects.filter(person=person).update(erase_at=timezone.now() - timedelta(minutes=1))


def signed_in(login: str) -> Client:
    """A browser in which somebody has just typed their password."""
    client = Client()
    client.post("/account/login/", {"login": login, "password": PASSWORD})
    return client


def sure(login: str) -> Client:
    """One in which they were asked for the password once more."""
    client = signed_in(login)
    client.post("/account/reauthenticate/", {"password": PASSWORD})
    return client

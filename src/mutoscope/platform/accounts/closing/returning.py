"""Coming back: who may, and the question that is asked before they are signed in."""

from __future__ import annotations

from typing import Any

from allauth.account.stages import LoginStage
from django.shortcuts import redirect

from mutoscope.platform.accounts.closing.models import Closing
from mutoscope.platform.accounts.models import Person


def closing_of(person: Person) -> Closing | None:
    """The closing that this person may still undo, or None."""
    return Closing.objects.filter(person_id=person.pk, erased_at=None, was_active=True).first()


def closing_at(address: str) -> Closing | None:
    """The closing of the account with this address, while it is not erased."""
    found = Closing.objects.filter(erased_at=None, person__emailaddress__email__iexact=address.strip())
    return found.order_by("-person__emailaddress__verified").first()


def who_may_return(address: str) -> list[Person]:
    """People with this confirmed address whose account is being closed: they may choose a new password to come back with."""
    return list(
        Person.objects.filter(
            closing__erased_at=None,
            closing__was_active=True,
            emailaddress__email__iexact=address.strip(),
            emailaddress__verified=True,
        )
    )


class KeepAccountStage(LoginStage):  # type: ignore[misc] # allauth has no types
    """After password and second step: whoever is closing the account says first that they want to keep it."""

    key = "keep_account"
    urlname = "account-keep"

    def handle(self) -> tuple[Any, bool]:
        person = self.login.user
        if isinstance(person, Person) and closing_of(person) is not None:
            return redirect(self.urlname), True
        return None, True

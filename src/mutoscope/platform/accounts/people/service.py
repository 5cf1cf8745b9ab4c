"""The use cases around people."""

from __future__ import annotations

from dataclasses import dataclass

from allauth.account.models import EmailAddress
from django.db import IntegrityError, transaction

from mutoscope.engines.services import NoInternals, Outputs, Service, State, Steps
from mutoscope.platform.accounts.domain.names import BadName, parse_name
from mutoscope.platform.accounts.failures import Unacceptable, UsernameTaken
from mutoscope.platform.accounts.models import Person


@dataclass(frozen=True)
class AddPersonInputs:
    username: str
    email: str
    password: str | None = None
    """None makes one that never fits: they set one by the reset page, or come by a passkey."""
    is_staff: bool = False
    is_superuser: bool = False


class AddPersonOutputs(Outputs):
    person: Person


Adding = State[AddPersonInputs, NoInternals, AddPersonOutputs]


class AddPerson(Service[AddPersonInputs, NoInternals, AddPersonOutputs]):
    """Somebody is given an account whose address counts as confirmed, so that they can sign in at once."""

    failures = (Unacceptable, UsernameTaken)

    def steps(self) -> Steps[AddPersonInputs, NoInternals, AddPersonOutputs]:
        return (
            self.prepare,
            self.save,
        )

    def prepare(self, adding: Adding) -> None:
        """Outside the transaction, because Argon2 takes its time on purpose."""
        asked = adding.inputs
        try:
            username = parse_name(asked.username)
        except BadName as problem:
            raise Unacceptable(where="username", why=str(problem)) from None
        person = Person(
            username=username,
            email=asked.email.strip().lower(),
            is_staff=asked.is_staff,
            is_superuser=asked.is_superuser,
        )
        person.set_password(asked.password)
        adding.outputs.person = person

    def save(self, adding: Adding) -> None:
        person = adding.outputs.person
        try:
            with transaction.atomic():
                person.save(force_insert=True)
                EmailAddress.objects.create(user=person, email=person.email, verified=True, primary=True)
        except IntegrityError as error:
            if "username" not in str(error):
                raise
            raise UsernameTaken(username=person.username) from None

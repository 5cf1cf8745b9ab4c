"""The use cases around closing an account: asking for it, coming back, and erasing it when nobody came back."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models.functions import Now

from mutoscope.engines.services import Internals, NoOutputs, Outputs, Service, State, Steps, Unacceptable, atomic
from mutoscope.platform.accounts.channels import avatar as avatars
from mutoscope.platform.accounts.closing.failures import ClosingAlready, NotDue, NothingToKeep, Prevented
from mutoscope.platform.accounts.closing.mail import tell_how_to_come_back
from mutoscope.platform.accounts.closing.models import REASON_LENGTH_MAX, Closing
from mutoscope.platform.accounts.closing.own import Accounts, sign_out_everywhere
from mutoscope.platform.accounts.closing.ports import Hindrance, Holder, holders
from mutoscope.platform.accounts.models import Channel, Person

# Long enough to think better of it, or to notice that somebody else did it.
GRACE = timedelta(days=14)


def everybody_who_holds() -> Iterator[Holder]:
    """Those above accounts first: they look up what accounts itself erases."""
    yield from holders.get()
    yield Accounts()


def hindrances_of(person: Person) -> list[Hindrance]:
    """All that prevents closing this account now."""
    return [hindrance for holder in everybody_who_holds() for hindrance in holder.hindrances(person)]


def losses_of(person: Person) -> list[str]:
    """All that is lost with this account, or stays of it, in sentences."""
    return [loss for holder in everybody_who_holds() for loss in holder.losses(person)]


def files_of(person: Person) -> list[tuple[str, str]]:
    """Files that this person may want to have first: what each is called, and its address."""
    return [file for holder in everybody_who_holds() for file in holder.files(person)]


@dataclass(frozen=True)
class CloseAccountInputs:
    person_id: int
    by_id: int | None = None
    """Who of the staff does it, for somebody who wrote; None for the person themselves."""
    reason: str = ""
    """Why staff does it. Erased with the rest."""


class CloseAccountInternals(Internals):
    person: Person


class CloseAccountOutputs(Outputs):
    erase_at: datetime


ClosingState = State[CloseAccountInputs, CloseAccountInternals, CloseAccountOutputs]


class CloseAccount(Service[CloseAccountInputs, CloseAccountInternals, CloseAccountOutputs]):
    """Somebody leaves. Nothing is erased for two weeks, and nothing of the account works from now on."""

    failures = (Unacceptable, ClosingAlready, Prevented)

    def steps(self) -> Steps[CloseAccountInputs, CloseAccountInternals, CloseAccountOutputs]:
        return (
            self.read_what_was_typed,
            atomic(
                self.hold_the_person,
                self.refuse_what_prevents_it,
                self.write_it_down,
                self.stop_everything,
                self.tell_them,
                savepoint=True,
            ),
        )

    def read_what_was_typed(self, closing: ClosingState) -> None:
        asked = closing.inputs
        if asked.by_id is not None and not asked.reason.strip():
            raise Unacceptable(where="reason", why="Say why the account is closed.")
        if len(asked.reason) > REASON_LENGTH_MAX:
            raise Unacceptable(where="reason", why=f"Use at most {REASON_LENGTH_MAX} characters.")

    def hold_the_person(self, closing: ClosingState) -> None:
        closing.internals.person = held(closing.inputs.person_id)
        if Closing.objects.filter(person_id=closing.inputs.person_id).exists():
            raise ClosingAlready

    def refuse_what_prevents_it(self, closing: ClosingState) -> None:
        found = hindrances_of(closing.internals.person)
        if found:
            raise Prevented(by=found)

    def write_it_down(self, closing: ClosingState) -> None:
        person, asked = closing.internals.person, closing.inputs
        row = Closing.objects.create(
            person=person,
            erase_at=Now() + GRACE,
            by_id=asked.by_id,
            reason=asked.reason.strip(),
            was_active=person.is_active,
        )
        row.refresh_from_db()
        closing.outputs.erase_at = row.erase_at

    def stop_everything(self, closing: ClosingState) -> None:
        """Whatever looks at a session or gives a key looks at `is_active` first."""
        person = closing.internals.person
        Person.objects.filter(pk=person.pk).update(is_active=False)
        for holder in everybody_who_holds():
            holder.stop(person)

    def tell_them(self, closing: ClosingState) -> None:
        tell_how_to_come_back(closing.internals.person, closing.outputs.erase_at)


@dataclass(frozen=True)
class KeepAccountInputs:
    person_id: int


class KeepAccountInternals(Internals):
    person: Person


Keeping = State[KeepAccountInputs, KeepAccountInternals, NoOutputs]


class KeepAccount(Service[KeepAccountInputs, KeepAccountInternals, NoOutputs]):
    """Somebody came back in time: the account is as it was, and signed in nowhere."""

    failures = (NothingToKeep,)

    def steps(self) -> Steps[KeepAccountInputs, KeepAccountInternals, NoOutputs]:
        return (atomic(self.hold_the_person, self.take_it_back, savepoint=True),)

    def hold_the_person(self, keeping: Keeping) -> None:
        keeping.internals.person = held(keeping.inputs.person_id)

    def take_it_back(self, keeping: Keeping) -> None:
        person = keeping.internals.person
        closing = Closing.objects.filter(person=person, erased_at=None).first()
        if closing is None:
            raise NothingToKeep
        Person.objects.filter(pk=person.pk).update(is_active=closing.was_active)
        # One that somebody was just signing in to when it was closed would work again.
        sign_out_everywhere(person)
        closing.delete()


@dataclass(frozen=True)
class EraseAccountInputs:
    person_id: int


class EraseAccountInternals(Internals):
    person: Person
    closing: Closing
    picture: str


Erasing = State[EraseAccountInputs, EraseAccountInternals, NoOutputs]


class EraseAccount(Service[EraseAccountInputs, EraseAccountInternals, NoOutputs]):
    """Two weeks are over. What the books need stays, under the name of a closed account; all else is erased at once."""

    failures = (NotDue, Prevented)

    def steps(self) -> Steps[EraseAccountInputs, EraseAccountInternals, NoOutputs]:
        return (
            atomic(
                self.hold_the_person,
                self.look_whether_it_is_due,
                self.refuse_what_came_up_since,
                self.erase_what_everybody_holds,
                self.write_it_down,
                savepoint=True,
            ),
            self.delete_the_picture,
        )

    def hold_the_person(self, erasing: Erasing) -> None:
        erasing.internals.person = held(erasing.inputs.person_id)

    def look_whether_it_is_due(self, erasing: Erasing) -> None:
        """Again, under the lock: its person may have come back since it was listed."""
        due = Closing.objects.filter(person=erasing.internals.person, erased_at=None, erase_at__lte=Now()).first()
        if due is None:
            raise NotDue
        erasing.internals.closing = due

    def refuse_what_came_up_since(self, erasing: Erasing) -> None:
        """A payment that came late, say: it ends first, and the account is erased after it."""
        found = hindrances_of(erasing.internals.person)
        if found:
            raise Prevented(by=found)

    def erase_what_everybody_holds(self, erasing: Erasing) -> None:
        person = erasing.internals.person
        channel = Channel.objects.filter(owner=person).first()
        erasing.internals.picture = channel.avatar if channel is not None else ""
        for holder in everybody_who_holds():
            holder.erase(person)

    def write_it_down(self, erasing: Erasing) -> None:
        """With the picture's name: whoever is killed before the file is gone leaves that word."""
        work = erasing.internals
        Closing.objects.filter(pk=work.closing.pk).update(erased_at=Now(), reason="", picture=work.picture)

    def delete_the_picture(self, erasing: Erasing) -> None:
        delete_pictures([erasing.inputs.person_id])


def held(person_id: int) -> Person:
    """The person, under a lock that whatever refers to them waits for: a purchase, a top-up, a tip."""
    return Person.objects.select_for_update().get(pk=person_id)


def delete_pictures(person_ids: Sequence[int] | None = None) -> int:
    """Delete pictures of channels that were erased: of these people, or whatever was left; how many. Safe to repeat."""
    left = Closing.objects.exclude(picture="")
    rows = left if person_ids is None else left.filter(pk__in=person_ids)
    count = 0
    for closing in rows:
        avatars.forget(closing.picture)
        Closing.objects.filter(pk=closing.pk).update(picture="")
        count += 1
    return count

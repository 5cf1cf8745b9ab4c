"""Closing, keeping and erasing an account."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.usersessions.models import UserSession
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.auth.models import Group
from django.contrib.sessions.models import Session
from django.core import mail
from django.core.files.storage import default_storage
from django.test import Client

from mutoscope.platform.accounts.channels import avatar as avatars
from mutoscope.platform.accounts.channels.service import OpenChannel, OpenChannelInputs
from mutoscope.platform.accounts.closing import service
from mutoscope.platform.accounts.closing.failures import ClosingAlready, NotDue, NothingToKeep, Prevented
from mutoscope.platform.accounts.closing.models import Closing, RetiredHandle
from mutoscope.platform.accounts.closing.service import (
    GRACE,
    CloseAccount,
    CloseAccountInputs,
    EraseAccount,
    EraseAccountInputs,
    KeepAccount,
    KeepAccountInputs,
)
from mutoscope.platform.accounts.closing.tasks import erase_all
from mutoscope.platform.accounts.models import Channel, Person
from mutoscope.platform.accounts.public import HandleTaken, Unacceptable, holders, newest_channels
from tests.people import PASSWORD, make_channel, make_person, picture
from tests.platform.accounts.closing.leavers import Bank, close, let_two_weeks_pass, signed_in

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def media(settings: Any, tmp_path: Path) -> Path:
    settings.MEDIA_ROOT = tmp_path
    return tmp_path


def erase(person: Person) -> None:
    EraseAccount().call(EraseAccountInputs(person.pk))
    person.refresh_from_db()


def test_whoever_closes_is_signed_out_in_every_browser_at_once() -> None:
    person, other = make_person("nora", password=PASSWORD), make_person("ada", password=PASSWORD)
    browsers = [signed_in("nora"), signed_in("nora")]
    stranger = signed_in("ada")
    closing = close(person)
    for browser in browsers:
        assert browser.get("/wallet/").status_code == 302
    assert stranger.get("/wallet/").status_code == 200
    assert not UserSession.objects.filter(user=person).exists()
    assert Session.objects.count() == 1
    person.refresh_from_db()
    other.refresh_from_db()
    assert (person.is_active, other.is_active) == (False, True)
    assert closing.erase_at - closing.asked_at == GRACE


def test_one_mail_says_when_and_how_to_undo_it() -> None:
    closing = close(make_person("nora"))
    sent = mail.outbox[0]
    assert (len(mail.outbox), sent.to) == (1, ["nora@example.org"])
    assert f"{closing.erase_at:%-d %B %Y}" in sent.body
    assert "/account/login/" in sent.body
    let_two_weeks_pass(closing.person)
    erase_all()
    assert len(mail.outbox) == 1


def test_closing_twice_is_refused() -> None:
    person = make_person()
    close(person)
    with pytest.raises(ClosingAlready):
        close(person)
    assert len(mail.outbox) == 1


def test_what_prevents_it_is_said_and_nothing_is_done() -> None:
    person = make_person()
    with holders.bound([Bank(is_open=False)]), pytest.raises(Prevented) as refusal:
        close(person)
    assert refusal.value.sentence() == "The bank is closed. Wait for it."
    person.refresh_from_db()
    assert person.is_active
    assert not Closing.objects.exists()


def test_staff_give_up_their_role_first_and_the_last_superuser_makes_another() -> None:
    staff = make_person("petra", is_staff=True)
    last = make_person("opal", is_staff=True, is_superuser=True)
    for person, words in ((staff, "belongs to staff"), (last, "the only superuser")):
        with pytest.raises(Prevented) as refusal:
            close(person)
        assert words in refusal.value.sentence()
    make_person("ruth", is_superuser=True)
    with pytest.raises(Prevented) as refusal:
        close(last)
    assert "belongs to staff" in refusal.value.sentence()


def test_staff_close_with_a_reason_only() -> None:
    person, staff = make_person(), make_person("opal", is_staff=True)
    for reason in ("", " ", "x" * 301):
        with pytest.raises(Unacceptable) as refusal:
            CloseAccount().call(CloseAccountInputs(person.pk, by_id=staff.pk, reason=reason))
        assert refusal.value.field() == "reason"
    CloseAccount().call(CloseAccountInputs(person.pk, by_id=staff.pk, reason="Asked by mail"))
    assert Closing.objects.get().by == staff


def test_whoever_comes_back_has_all_as_it_was_and_is_signed_in_nowhere() -> None:
    person = make_person("nora", password=PASSWORD)
    channel = make_channel(person)
    close(person)
    assert newest_channels(9) == []
    KeepAccount().call(KeepAccountInputs(person.pk))
    person.refresh_from_db()
    assert person.is_active
    assert newest_channels(9) == [channel]
    assert EmailAddress.objects.filter(user=person).exists()
    assert not Session.objects.exists()
    with pytest.raises(NothingToKeep):
        KeepAccount().call(KeepAccountInputs(person.pk))


def test_whoever_was_suspended_is_suspended_still_when_it_is_kept() -> None:
    person = make_person(is_active=False)
    close(person)
    KeepAccount().call(KeepAccountInputs(person.pk))
    person.refresh_from_db()
    assert not person.is_active


def test_nothing_is_erased_before_its_time_nor_twice() -> None:
    person = make_person()
    with pytest.raises(NotDue):
        erase(person)
    close(person)
    assert erase_all() == 0
    with pytest.raises(NotDue):
        erase(person)
    let_two_weeks_pass(person)
    assert erase_all() == 1
    before = Closing.objects.get()
    assert erase_all() == 0
    assert Closing.objects.get().erased_at == before.erased_at
    with pytest.raises(NothingToKeep):
        KeepAccount().call(KeepAccountInputs(person.pk))


def test_what_is_left_names_nobody() -> None:
    staff = make_person("opal", is_staff=True)
    person = make_person("nora", password=PASSWORD)
    person.groups.add(Group.objects.get(name="support"))
    Authenticator.objects.create(user=person, type=Authenticator.Type.TOTP, data={})
    make_channel(person, "northlight", description="By Nora.")
    signed_in("nora")
    address = EmailAddress.objects.get(user=person)
    for row, name in ((person, "nora"), (person.channel, "Northlight"), (address, address.email)):
        LogEntry.objects.log_actions(staff.pk, [row], CHANGE, "Changed something.", single_object=True)
        assert LogEntry.objects.filter(object_repr__contains=name.partition("@")[0]).exists()
    CloseAccount().call(CloseAccountInputs(person.pk, by_id=staff.pk, reason="Nora wrote"))
    let_two_weeks_pass(person)
    erase(person)
    assert person.username == f"closed-account-{person.pk}"
    assert (person.email, person.last_login, person.is_active) == ("", None, False)
    assert not person.has_usable_password()
    assert not person.groups.exists()
    for model in (EmailAddress, Authenticator, UserSession):
        assert not model.objects.filter(user=person).exists()
    channel = Channel.objects.get()
    assert (channel.title, channel.description, channel.avatar) == ("Closed channel", "", "")
    assert channel.handle == f"closed-channel-{channel.pk}"
    closing = Closing.objects.get()
    assert (closing.by, closing.reason) == (staff, "")
    told = " ".join(f"{entry.object_repr} {entry.change_message}" for entry in LogEntry.objects.all()).lower()
    assert "nora" not in told
    assert "northlight" not in told


def test_a_killed_erasure_erased_nothing_and_the_next_one_erases_all() -> None:
    person = make_person("nora")
    close(person)
    let_two_weeks_pass(person)
    with holders.bound([Bank(breaks=True)]), pytest.raises(ConnectionResetError):
        erase(person)
    person.refresh_from_db()
    assert (person.username, person.email) == ("nora", "nora@example.org")
    assert erase_all() == 1
    person.refresh_from_db()
    assert person.email == ""


def test_the_picture_goes_last_and_a_kill_before_that_leaves_it_to_the_next_time(
    monkeypatch: pytest.MonkeyPatch, media: Path
) -> None:
    person = make_person()
    channel = make_channel(person)
    channel.avatar = avatars.keep(picture())
    channel.save()
    close(person)
    let_two_weeks_pass(person)
    with monkeypatch.context() as patched:
        patched.setattr(service.avatars, "forget", lambda name: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            erase(person)
    assert Closing.objects.get().erased_at is not None
    assert default_storage.exists(channel.avatar)
    assert erase_all() == 0
    assert not default_storage.exists(channel.avatar)
    assert Closing.objects.get().picture == ""


def test_one_that_cannot_be_erased_yet_waits_and_holds_up_no_other() -> None:
    class OnlyNora(Bank):
        def hindrances(self, person: Person, /) -> Any:
            return super().hindrances(person) if person.username == "nora" else ()

    late, other = make_person("nora"), make_person("ada")
    for person in (late, other):
        close(person)
        let_two_weeks_pass(person)
    with holders.bound([OnlyNora(is_open=False)]):
        assert erase_all() == 1
        assert Closing.objects.filter(erased_at=None).get().person == late
    assert erase_all() == 1


def test_address_and_username_are_free_again_and_the_handle_is_not() -> None:
    person = make_person("nora")
    make_channel(person, "northlight")
    close(person)
    let_two_weeks_pass(person)
    erase(person)
    again = make_person("nora")
    for handle in ("northlight", "n0rth-light"):
        with pytest.raises(HandleTaken):
            OpenChannel().call(OpenChannelInputs(again, handle, "Northlight"))
    assert "north" not in RetiredHandle.objects.get().digest
    assert OpenChannel().call(OpenChannelInputs(again, "southlight", "Southlight")).channel.owner == again


def test_a_handle_that_is_given_up_in_this_very_moment_is_not_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    from mutoscope.platform.accounts.closing.retired import retire

    person = make_person()
    # It is retired after this one looked and before it wrote.
    monkeypatch.setattr(OpenChannel, "draw_the_picture", lambda self, opening: _retired(opening, retire))
    with pytest.raises(HandleTaken):
        OpenChannel().call(OpenChannelInputs(person, "northlight", "Northlight"))
    assert not Channel.objects.exists()


def _retired(opening: Any, retire: Any) -> None:
    retire(opening.internals.handle)
    opening.internals.picture = None


def test_a_new_secret_key_forgets_no_handle_while_the_old_one_is_a_fallback(settings: Any) -> None:
    from mutoscope.platform.accounts.closing.retired import is_retired, retire

    retire("northlight")
    settings.SECRET_KEY_FALLBACKS, settings.SECRET_KEY = [settings.SECRET_KEY], "another" * 8
    assert is_retired("northlight")
    assert not is_retired("southlight")


def test_whoever_is_called_like_a_closed_account_does_not_stop_an_erasure() -> None:
    person = make_person("nora")
    Person.objects.create(username=f"closed-account-{person.pk}")
    close(person)
    let_two_weeks_pass(person)
    erase(person)
    assert person.username.startswith(f"closed-account-{person.pk}-")


def test_nobody_signs_up_under_the_name_of_a_closed_account(client: Client) -> None:
    answer = client.post(
        "/account/signup/", {"email": "ada@example.org", "username": "closed_acc0unt-7", "password1": PASSWORD}
    )
    assert "kept for the site itself" in answer.content.decode()

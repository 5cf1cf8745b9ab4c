"""What accounts itself holds of a person: how they sign in, what they are called, and their channel."""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Sequence

from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.usersessions.models import UserSession
from django.contrib.admin.models import LogEntry
from django.contrib.auth import SESSION_KEY
from django.contrib.contenttypes.models import ContentType
from django.contrib.sessions.models import Session
from django.db import models
from django.urls import reverse

from mutoscope.platform.accounts.closing.ports import Hindrance, Holder, Section
from mutoscope.platform.accounts.closing.retired import retire
from mutoscope.platform.accounts.domain.names import CLOSED_ACCOUNT, CLOSED_CHANNEL, skeleton
from mutoscope.platform.accounts.models import Channel, Person

CHANNEL_TITLE = "Closed channel"


class Accounts(Holder):
    """Comes last when all is erased: the others look up addresses and channel."""

    def hindrances(self, person: Person, /) -> Sequence[Hindrance]:
        if not (person.is_staff or person.is_superuser):
            return ()
        there = reverse("admin:accounts_person_change", args=[person.pk])
        others = Person.objects.filter(is_superuser=True, is_active=True).exclude(pk=person.pk)
        if person.is_superuser and not others.exists():
            sentence = "This is the only superuser. Make somebody else one first, or nobody could run this site."
            return (Hindrance(sentence, reverse("admin:accounts_person_changelist"), "People"),)
        sentence = "This account belongs to staff. A superuser takes the role and the staff status away first."
        return (Hindrance(sentence, there, "The account in the operator pages"),)

    def losses(self, person: Person, /) -> Sequence[str]:
        lost = ["Your name, your email addresses, your password and your passkeys are erased."]
        channel = Channel.objects.filter(owner=person).first()
        if channel is not None:
            lost.append(
                f"Your channel is called “{CHANNEL_TITLE}” from then on, without picture or description. "
                f"Nobody else gets the handle @{channel.handle}, and neither do you."
            )
        return lost

    def stop(self, person: Person, /) -> None:
        sign_out_everywhere(person)

    def erase(self, person: Person, /) -> None:
        addresses = EmailAddress.objects.filter(user=person)
        keys = Authenticator.objects.filter(user=person)
        sign_ins = UserSession.objects.filter(user=person)
        channel = Channel.objects.filter(owner=person).first()
        new_name = free_name(f"{CLOSED_ACCOUNT}{person.pk}")
        for rows in (addresses, keys, sign_ins):
            forget_in_log(rows, "")
        forget_in_log(Person.objects.filter(pk=person.pk), new_name)
        sign_out_everywhere(person)
        addresses.delete()
        keys.delete()
        if channel is not None:
            self._erase_channel(channel)
        person.groups.clear()
        person.user_permissions.clear()
        person.username, person.email, person.last_login = new_name, "", None
        person.is_active = False
        person.set_unusable_password()
        person.save(update_fields=["username", "email", "last_login", "is_active", "password"])

    def _erase_channel(self, channel: Channel) -> None:
        forget_in_log(Channel.objects.filter(pk=channel.pk), CHANNEL_TITLE)
        retire(channel.handle)
        channel.handle = free_handle(f"{CLOSED_CHANNEL}{channel.pk}")
        channel.title, channel.description, channel.avatar = CHANNEL_TITLE, "", ""
        channel.save(update_fields=["handle", "title", "description", "avatar"])

    def sections(self, person: Person, /) -> Iterator[Section]:
        profile = {
            "username": person.username,
            "email": person.email,
            "joined_at": person.date_joined,
            "last_signed_in_at": person.last_login,
        }
        yield "profile", [profile]
        yield "email_addresses", EmailAddress.objects.filter(user=person).values("email", "verified", "primary")
        yield (
            "signed_in_on",
            UserSession.objects.filter(user=person).values("created_at", "last_seen_at", "ip", "user_agent"),
        )
        yield "second_steps", Authenticator.objects.filter(user=person).values("type", "created_at", "last_used_at")
        yield "channel", Channel.objects.filter(owner=person).values("handle", "title", "description", "opened_at")


def sign_out_everywhere(person: Person) -> None:
    """End each session of this person, in every browser, and forget where they were."""
    Session.objects.filter(session_data__contains=f'"{SESSION_KEY}":"{person.pk}"').delete()
    sign_ins = UserSession.objects.filter(user=person)
    Session.objects.filter(session_key__in=list(sign_ins.values_list("session_key", flat=True))).delete()
    sign_ins.delete()


def forget_in_log(rows: models.QuerySet[models.Model] | models.QuerySet[Person], name: str) -> None:
    """The operator pages' own history calls things by what they were called. It keeps what was done, and by whom."""
    kind = ContentType.objects.get_for_model(rows.model)
    keys = [str(key) for key in rows.values_list("pk", flat=True)]
    LogEntry.objects.filter(content_type=kind, object_id__in=keys).update(object_repr=name)


def free_name(wanted: str) -> str:
    """This username, or one with a tail where somebody was called so before such names were kept for closed accounts."""
    taken = Person.objects.filter(username_skeleton=skeleton(wanted)).exists()
    return f"{wanted}-{secrets.token_hex(3)}" if taken else wanted


def free_handle(wanted: str) -> str:
    """The same of a handle."""
    taken = Channel.objects.filter(handle_skeleton=skeleton(wanted)).exists()
    return f"{wanted}-{secrets.token_hex(3)}" if taken else wanted

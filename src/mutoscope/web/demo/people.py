"""Three people to sign in as: one who watches, one who sells, one who runs the site. In the sandbox only."""

from __future__ import annotations

import json
import secrets
from dataclasses import dataclass
from pathlib import Path

from django.conf import settings
from django.contrib.auth.models import Group
from django.db import transaction

from mutoscope.platform.accounts.public import (
    OPERATOR,
    AddPerson,
    AddPersonInputs,
    Channel,
    OpenChannel,
    OpenChannelInputs,
    Person,
)
from mutoscope.web.demo.play_money import sell_for_play_money

FILE = "demo.json"
HANDLE = "lamplight"


@dataclass(frozen=True)
class SignIn:
    """How to sign in as one of them."""

    role: str
    username: str
    password: str


class NotInProduction(Exception):
    """A known password on a site with real money would be an open door."""


ROLES = {"viewer": "demo-viewer", "creator": "demo-creator", "operator": "demo-operator"}


def furnish() -> list[SignIn]:
    """Make whoever of them is missing; returns how to sign in as each.

    They share one password, made at random for this sandbox and kept in a private file, so that the board can show it at
    every start. Whoever changed it on the site keeps what they chose. Raises NotInProduction.
    """
    if settings.ENVIRONMENT.is_production:
        raise NotInProduction("demo people are for the sandbox")
    password = _password(settings.HOME / "secrets" / FILE)
    present = set(Person.objects.filter(username__in=ROLES.values()).values_list("username", flat=True))
    for role, username in ROLES.items():
        if username not in present:
            _make(role, username, password)
    sell_for_play_money()
    return [SignIn(role, username, password) for role, username in ROLES.items()]


def person_named(username: str) -> Person:
    """A guest of the demo, made where they are missing. Nobody can sign in as them."""
    found = Person.objects.filter(username=username).first()
    if found is None:
        found = AddPerson().call(AddPersonInputs(username=username, email=f"{username}@example.org")).person
    return found


@transaction.atomic
def _make(role: str, username: str, password: str) -> None:
    staff = role == "operator"
    asked = AddPersonInputs(username=username, email=f"{username}@example.org", password=password, is_staff=staff)
    person = AddPerson().call(asked).person
    if staff:
        person.groups.add(Group.objects.get(name=OPERATOR))
    if role == "creator" and not Channel.objects.filter(handle=HANDLE).exists():
        opening = OpenChannelInputs(
            owner=person,
            handle=HANDLE,
            title="Demo channel",
            description="What a viewer sees of a creator. Sign in as the creator to change it.",
        )
        OpenChannel().call(opening)


def _password(path: Path) -> str:
    try:
        return str(json.loads(path.read_text())["password"])
    except FileNotFoundError:
        # Four groups that can be read off a screen and typed.
        password = "-".join(secrets.token_hex(2) for _ in range(4))
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        path.touch(mode=0o600)
        path.write_text(json.dumps({"password": password}) + "\n")
        return password

"""People and channels for tests, made without going through pages."""

from __future__ import annotations

import io
from typing import Any

from allauth.account.models import EmailAddress
from PIL import Image

from mutoscope.platform.accounts.models import Channel, Person

PASSWORD = "seven lamps over the canal"


def make_person(username: str = "nora", *, password: str | None = None, **fields: Any) -> Person:
    """Somebody with a confirmed address. Without a password (which takes a while to hash) use `client.force_login`."""
    person = Person(username=username, email=f"{username}@example.org", **fields)
    if password is None:
        person.set_unusable_password()
    else:
        person.set_password(password)
    person.save()
    EmailAddress.objects.create(user=person, email=person.email, verified=True, primary=True)
    return person


def make_channel(owner: Person, handle: str = "northlight", **fields: Any) -> Channel:
    return Channel.objects.create(owner=owner, handle=handle, **{"title": "Northlight", **fields})


def picture(width: int = 640, height: int = 480, kind: str = "PNG", **options: Any) -> bytes:
    """A small picture with a gradient in it."""
    image = Image.linear_gradient("L").resize((width, height)).convert("RGB")
    encoded = io.BytesIO()
    image.save(encoded, kind, **options)
    return encoded.getvalue()

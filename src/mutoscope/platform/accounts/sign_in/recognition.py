"""Who a request comes from: Django's session and its person, read together by one prepared statement.

Both are wanted at every request of somebody signed in, and the ORM's way took more of a click's processor time than the click
itself. A session's data lies in Django's table as plain JSON, so that PostgreSQL can find the person in it. It needs no
signature there: whoever can write to this table can write to the one of people too. What is checked, and what counts as
signed in, stays Django's.
"""

from __future__ import annotations

import json
import re
from functools import cache, partial
from typing import Any

from allauth.account import auth_backends
from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.contrib.auth.middleware import AuthenticationMiddleware, auser, get_user
from django.contrib.sessions.backends import db
from django.db import DEFAULT_DB_ALIAS
from django.http import HttpRequest
from django.utils import timezone
from django.utils.crypto import constant_time_compare
from django.utils.functional import SimpleLazyObject

from mutoscope.engines.postgres.prepared import fetch_prepared
from mutoscope.platform.accounts.models import Person

# Of whoever asks: reading two moments takes Python as long as reading all the rest. Where one is wanted Django fetches it.
SELDOM_WANTED = ("last_login", "date_joined")
SESSION_KEY_FORM = re.compile(r"[a-z0-9]{8,40}")


class SessionStore(db.SessionStore):
    """Django's sessions in Django's table."""

    person: Person | None = None
    """Whom the session names, as the database had them when it was read. Whether that still signs anybody in is not said."""

    def _validate_session_key(self, key: str | None) -> bool:
        """A cookie can hold anything, a NUL too, which PostgreSQL takes in no text: what Django would not have made is no key."""
        return bool(key) and SESSION_KEY_FORM.fullmatch(str(key)) is not None

    def load(self) -> dict[str, Any]:
        if not self.session_key:
            return {}
        names, statement = _session_with_person()
        asked = (self.session_key, timezone.now())
        rows = fetch_prepared(DEFAULT_DB_ALIAS, statement, asked, waits=False)
        if not rows:
            # So that what is saved next gets a key of its own: one that somebody else chose is not taken up.
            self._session_key = None
            return {}
        data, *person = rows[0]
        # A person's first column is the id, which nobody is without.
        self.person = Person.from_db(DEFAULT_DB_ALIAS, names, person) if person[0] is not None else None
        return self.decode(data)

    def encode(self, session_dict: dict[str, Any]) -> str:
        return json.dumps(session_dict, separators=(",", ":"))

    def decode(self, session_data: bytes | str) -> dict[str, Any]:
        if not str(session_data).startswith("{"):
            # Written by Django's own store, which signs.
            return dict(super().decode(session_data))
        return dict(json.loads(session_data))


class AuthenticationBackend(auth_backends.AuthenticationBackend):
    """allauth's."""

    def get_user(self, user_id: int) -> Person | None:
        names, statement = _person_by_id()
        rows = fetch_prepared(DEFAULT_DB_ALIAS, statement, {"id": user_id}, waits=False)
        person = Person.from_db(DEFAULT_DB_ALIAS, names, rows[0]) if rows else None
        return person if person is not None and self.user_can_authenticate(person) else None


class RecognitionMiddleware(AuthenticationMiddleware):
    """Django's, without a statement of its own for the person."""

    def process_request(self, request: HttpRequest) -> None:
        request.user = SimpleLazyObject(partial(recognised, request))  # type: ignore[assignment]
        request.auser = partial(auser, request)


def recognised(request: HttpRequest) -> Any:
    """The person whose session this is, where that is plain; whatever else there is to decide or to end is Django's."""
    if not hasattr(request, "_cached_user"):
        session = request.session
        signed_in = session.get(SESSION_KEY), session.get(BACKEND_SESSION_KEY)
        person = session.person if isinstance(session, SessionStore) else None
        if (
            person is not None
            and person.is_active
            and signed_in == (str(person.pk), settings.AUTHENTICATION_BACKENDS[0])
            and constant_time_compare(session.get(HASH_SESSION_KEY, ""), person.get_session_auth_hash())
        ):
            request._cached_user = person  # type: ignore[attr-defined]
    return get_user(request)


@cache
def _person_columns(leave_out: tuple[str, ...] = ()) -> tuple[list[str], str]:
    """The names of a person's fields, and their columns in this order."""
    fields = [field for field in Person._meta.concrete_fields if field.attname not in leave_out]
    return [field.attname for field in fields], ", ".join(f"person.{field.column}" for field in fields)


@cache
def _person_by_id() -> tuple[list[str], str]:
    names, columns = _person_columns()
    return names, f"SELECT {columns} FROM {Person._meta.db_table} person WHERE person.id = %(id)s"  # noqa: S608


@cache
def _session_with_person() -> tuple[list[str], str]:
    """Cut out of the text, since PostgreSQL reads no JSON that holds a NUL. Inside a string the quotes would be escaped.

    One pattern over the whole text would do it as well, and take longer than all else in this statement.
    """
    names, columns = _person_columns(leave_out=SELDOM_WANTED)
    signed_in = f"""split_part(split_part(session.session_data, '"{SESSION_KEY}":"', 2), '"', 1)"""
    statement = f"""
        SELECT session.session_data, {columns} FROM django_session session
        LEFT JOIN {Person._meta.db_table} person ON person.id = substring({signed_in} FROM '^[0-9]{{1,18}}$')::bigint
        WHERE session.session_key = %s AND session.expire_date > %s
    """  # noqa: S608
    return names, statement

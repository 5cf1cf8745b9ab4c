"""Who a request comes from: Django's session and its person, each by one prepared statement.

Both are read at every request of somebody signed in, and through the ORM they took more of a click's processor time than the
click itself. What is checked, and what counts as signed in, stays Django's.
"""

from __future__ import annotations

from functools import cache
from typing import Any

from allauth.account import auth_backends
from django.contrib.sessions.backends import db
from django.db import DEFAULT_DB_ALIAS
from django.utils import timezone

from mutoscope.engines.postgres.prepared import fetch_prepared
from mutoscope.platform.accounts.models import Person

SESSION = """
SELECT session_data FROM django_session WHERE session_key = %(session_key)s AND expire_date > %(now)s
"""


class SessionStore(db.SessionStore):
    """Django's sessions in Django's table."""

    def load(self) -> dict[str, Any]:
        if not self.session_key:
            return {}
        rows = fetch_prepared(DEFAULT_DB_ALIAS, SESSION, {"session_key": self.session_key, "now": timezone.now()})
        if not rows:
            # So that what is saved next gets a key of its own: one that somebody else chose is not taken up.
            self._session_key = None
            return {}
        found: dict[str, Any] = self.decode(rows[0][0])
        return found


class AuthenticationBackend(auth_backends.AuthenticationBackend):
    """allauth's."""

    def get_user(self, user_id: int) -> Person | None:
        names, statement = _by_id()
        rows = fetch_prepared(DEFAULT_DB_ALIAS, statement, {"id": user_id})
        person = Person.from_db(DEFAULT_DB_ALIAS, names, rows[0]) if rows else None
        return person if person is not None and self.user_can_authenticate(person) else None


@cache
def _by_id() -> tuple[list[str], str]:
    """The names of a person's fields, and the statement that reads them in this order."""
    fields = Person._meta.concrete_fields
    columns = ", ".join(str(field.column) for field in fields)
    return [field.attname for field in fields], f"SELECT {columns} FROM {Person._meta.db_table} WHERE id = %(id)s"  # noqa: S608

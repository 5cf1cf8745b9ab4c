"""Fixtures that more than one folder of tests needs."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.db import connections

from tests.emptying import empty_only_what_was_written


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None) -> Iterator[None]:
    """pytest-django's own set-up; in the end every thread's second connection is closed, so the database can go."""
    empty_only_what_was_written()
    yield
    for alias in connections:
        connections[alias].close()

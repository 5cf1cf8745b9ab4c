"""The two connections that every part of the site may count on."""

from __future__ import annotations

import pytest
from django.db import connections


@pytest.mark.django_db(databases=["default", "direct"])
@pytest.mark.parametrize("alias", ["default", "direct"])
def test_both_connections_reach_the_same_database(alias: str) -> None:
    with connections[alias].cursor() as cursor:
        cursor.execute("SELECT current_database(), current_user")
        # Each process of pytest-xdist has a database of its own.
        assert cursor.fetchone() == (connections["default"].settings_dict["NAME"], "mutoscope")

"""The database between two tests that commit: as Django's `flush` would leave it."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import Group
from django.contrib.contenttypes.models import ContentType
from django.db import connection

from mutoscope.platform.accounts.models import Person
from tests.emptying import empty_database
from tests.people import make_channel, make_person

pytestmark = pytest.mark.django_db(transaction=True)


def file_of(table: str) -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_relation_filenode(%s::regclass)", [table])
        return int(cursor.fetchone()[0])


def test_what_was_written_is_gone_and_the_files_of_everything_else_are_kept() -> None:
    empty_database("default")
    written, untouched = file_of("accounts_person"), file_of("tasks_task")
    make_channel(make_person())
    empty_database("default")
    assert not Person.objects.exists()
    assert file_of("accounts_person") != written
    assert file_of("tasks_task") == untouched


def test_a_table_whose_rows_came_and_went_is_as_new() -> None:
    empty_database("default")
    make_person().delete()
    before = file_of("accounts_person")
    empty_database("default")
    assert file_of("accounts_person") != before


@pytest.mark.parametrize("model", [ContentType, Group], ids=["content types", "roles"])
def test_what_flush_puts_in_is_there_again_whatever_a_test_did_to_it(model: type[ContentType] | type[Group]) -> None:
    empty_database("default")
    names = [name for name in ("app_label", "model", "name") if name in {field.name for field in model._meta.fields}]
    before = sorted(model._default_manager.values_list(*names))
    assert before
    model._default_manager.all().delete()
    empty_database("default")
    assert sorted(model._default_manager.values_list(*names)) == before
    model._default_manager.create(**dict.fromkeys(names, "left over"))
    empty_database("default")
    assert sorted(model._default_manager.values_list(*names)) == before

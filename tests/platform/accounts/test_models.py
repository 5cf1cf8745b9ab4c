"""What the database itself refuses, whoever asks it."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import Group
from django.db import IntegrityError, connection
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mutoscope.platform.accounts.domain.names import skeleton
from mutoscope.platform.accounts.models import Channel, Person
from tests.people import make_channel, make_person

pytestmark = pytest.mark.django_db

INSERT_CHANNEL = """
    INSERT INTO accounts_channel (owner_id, handle, title, description, avatar, opened_at)
    VALUES (%s, %s, %s, %s, '', now())
"""


def insert_channel(owner: Person, handle: str, title: str = "A title", description: str = "") -> None:
    with connection.cursor() as cursor:
        cursor.execute(INSERT_CHANNEL, [owner.pk, handle, title, description])


@pytest.mark.parametrize("handle", ["n0rthlight", "northl1ght", "north-light", "northiight"])
def test_raw_sql_cannot_insert_a_handle_that_looks_like_another(handle: str) -> None:
    make_channel(make_person("nora"), "northlight")
    with pytest.raises(IntegrityError, match="accounts_channel_handle_alike"):
        insert_channel(make_person("ada"), handle)


@pytest.mark.parametrize("handle", ["North", "no", "-north", "no rth", "n\u043erth", "north\n"])
def test_raw_sql_cannot_insert_a_handle_of_another_form(handle: str) -> None:
    with pytest.raises(IntegrityError, match="accounts_channel_handle_form"):
        insert_channel(make_person("ada"), handle)


@pytest.mark.parametrize("title", ["", "a\u202eb", "a\nb", "a\u200bb", "a\u2066b"])
def test_raw_sql_cannot_insert_a_title_that_hides_or_reorders(title: str) -> None:
    with pytest.raises(IntegrityError, match="accounts_channel_title_form"):
        insert_channel(make_person("ada"), "northlight", title)


def test_raw_sql_cannot_insert_a_description_that_reorders() -> None:
    with pytest.raises(IntegrityError, match="accounts_channel_description_form"):
        insert_channel(make_person("ada"), "northlight", description="a\u202eb")


def test_titles_of_any_language_and_descriptions_of_many_lines_are_kept() -> None:
    channel = make_channel(make_person("ada"), title="می\u200cخواهم 夜 👩\u200d🎤", description="one\ntwo")
    channel.refresh_from_db()
    assert (channel.title, channel.description) == ("می\u200cخواهم 夜 👩\u200d🎤", "one\ntwo")


def test_raw_sql_cannot_give_two_people_usernames_that_look_alike() -> None:
    make_person("nora")
    other = make_person("ada")
    with pytest.raises(IntegrityError, match="accounts_person_username_alike"), connection.cursor() as cursor:
        cursor.execute("UPDATE accounts_person SET username = 'n0ra' WHERE id = %s", [other.pk])


def test_a_person_has_one_channel() -> None:
    person = make_person("nora")
    make_channel(person, "one-channel")
    with pytest.raises(IntegrityError):
        make_channel(person, "another-channel")


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=50, deadline=None)
@given(words=st.lists(st.text("abc01ilmnorvw-_", min_size=1, max_size=30), min_size=20, max_size=20))
def test_python_and_postgresql_agree_on_skeletons(words: list[str]) -> None:
    column = Channel._meta.get_field("handle_skeleton")
    sql, parameters = column.generated_sql(connection)
    expression = sql.replace('"handle"', "word")
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT word, {expression} FROM unnest(%s::text[]) AS words (word)", [*parameters, words])
        for word, computed in cursor.fetchall():
            assert computed == skeleton(word)


def test_roles_are_groups_with_their_rights() -> None:
    operator = Group.objects.get(name="operator")
    support = Group.objects.get(name="support")
    assert operator.permissions.filter(codename="change_mail").exists()
    assert support.permissions.filter(codename="view_mail").exists()
    assert not support.permissions.filter(codename__startswith="change_").exists()
    assert not operator.permissions.filter(content_type__app_label="auth").exists()

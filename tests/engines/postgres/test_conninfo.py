"""Database URLs: what they become, and what is said when they cannot be used."""

from __future__ import annotations

import pytest

from mutoscope.engines.postgres.conninfo import DatabaseUrlError, database_settings


def test_one_host_becomes_plain_settings() -> None:
    settings = database_settings("postgresql://films:p%40ss@db.example:5433/main?sslmode=require")
    wanted = {"NAME": "main", "USER": "films", "PASSWORD": "p@ss", "HOST": "db.example", "PORT": "5433"}
    assert {key: settings[key] for key in wanted} == wanted
    assert settings["OPTIONS"] == {"sslmode": "require"}


def test_several_hosts_get_a_short_connect_timeout_so_that_a_dead_one_is_passed_over() -> None:
    settings = database_settings("postgresql://films@pooler:6432,server:5432/main")
    assert (settings["HOST"], settings["PORT"]) == ("pooler,server", "6432,5432")
    assert settings["OPTIONS"]["connect_timeout"] == 2


def test_a_connect_timeout_of_the_operators_own_stays() -> None:
    settings = database_settings("postgresql://a,b/main?connect_timeout=7")
    assert settings["OPTIONS"]["connect_timeout"] == "7"


def test_what_a_transaction_pooler_breaks_is_off() -> None:
    settings = database_settings("postgresql:///main")
    assert settings["DISABLE_SERVER_SIDE_CURSORS"] is True
    assert "prepare_threshold" not in settings["OPTIONS"]


@pytest.mark.parametrize(
    ("url", "problem"),
    [
        ("mysql://root@db/main", "begin with postgresql://"),
        ("main", "begin with postgresql://"),
        ("postgresql://films:secret@db/", "names no database"),
        ("postgresql://films:secret@db/main?colour=red", "invalid URI query parameter"),
        ("postgresql://films:secret@db/main?options=-csearch_path%3Dx", "ALTER ROLE"),
        ("postgresql://films:secret@db:port:port/main", "not a database URL"),
    ],
)
def test_a_wrong_url_says_why_and_never_repeats_the_password(url: str, problem: str) -> None:
    with pytest.raises(DatabaseUrlError, match=problem) as refusal:
        database_settings(url)
    assert "secret" not in str(refusal.value)

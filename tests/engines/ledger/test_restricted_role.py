"""`manage.py ledger restrict ROLE`: a role that posts and looks, and writes no table."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pytest
from django.core.management import CommandError, call_command
from django.db import connections

from mutoscope.engines.ledger.installation import replace_functions
from mutoscope.engines.postgres.embedded import SUPERUSER, EmbeddedServer
from tests.engines.ledger.books import fresh
from tests.engines.ledger.own import ALIAS, own  # noqa: F401 - a fixture
from tests.engines.ledger.test_sealing_and_verify import filled


class Server:
    """The test's own ledger, as its superuser and as the role that is restricted."""

    def __init__(self, server: EmbeddedServer, database: str) -> None:
        self.role = "restricted_" + fresh("r").split(":")[1]
        self.url = server.url(database, self.role)
        self._superuser = server.url(database, SUPERUSER)
        self.owner = server.role

    def run(self, statement: str) -> None:
        with psycopg.connect(self._superuser, autocommit=True) as superuser:
            superuser.execute(statement.encode())


@pytest.fixture
def server(own: str, postgres_server: EmbeddedServer) -> Iterator[Server]:  # noqa: F811
    server = Server(postgres_server, own.rpartition("/")[2])
    server.run(f"CREATE ROLE {server.role} LOGIN")
    try:
        yield server
    finally:
        server.run(f"DROP OWNED BY {server.role}; DROP ROLE {server.role}")


def restrict(role: str) -> None:
    call_command("ledger", "--database", ALIAS, "restrict", role, "--json")


def test_it_posts_before_and_after_a_later_migration_and_cannot_touch_a_table(server: Server) -> None:
    books = filled()
    restrict(server.role)
    accounts, amounts = [books.viewer.id, books.creator.id], [-5, 5]
    with psycopg.connect(server.url, autocommit=True) as limited:
        found = limited.execute("SELECT outcome FROM ledger_post('limited', %s, %s)", [accounts, amounts]).fetchone()
        assert found == ("posted",)
        found = limited.execute(
            "INSERT INTO ledger_posting (key, accounts, amounts) VALUES ('limited 2', %s, %s) RETURNING outcome",
            [accounts, amounts],
        ).fetchone()
        assert found == ("posted",)
        found = limited.execute(
            "INSERT INTO ledger_payment (key, payer, payee, amount) VALUES ('limited pays', %s, %s, 5) RETURNING outcome",
            accounts,
        ).fetchone()
        assert found == ("posted",)
        # A later release's migration, which the role's rights survive.
        with connections[ALIAS].schema_editor() as editor:
            replace_functions(editor)
        found = limited.execute("SELECT outcome FROM ledger_post('limited 3', %s, %s)", [accounts, amounts]).fetchone()
        assert found == ("posted",)
        for attack in (
            *("INSERT INTO ledger_journal DEFAULT VALUES", "DELETE FROM ledger_entry_apart"),
            *("INSERT INTO ledger_transfer DEFAULT VALUES", "DELETE FROM ledger_entry"),
        ):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                limited.execute(attack.encode())
    assert books.posted(books.viewer) == 860


def test_what_it_was_allowed_before_it_is_allowed_no_more(server: Server) -> None:
    server.run(f"GRANT ALL ON ALL TABLES IN SCHEMA public TO {server.role}")
    server.run(f"GRANT ALL ON ALL SEQUENCES IN SCHEMA public TO {server.role}")
    restrict(server.role)
    with psycopg.connect(server.url, autocommit=True) as limited:
        for attack in (
            "INSERT INTO ledger_seal SELECT * FROM ledger_seal WHERE false",
            "INSERT INTO ledger_opening (owner, kind, currency) VALUES ('me', 'x', 'PTS')",
            "SELECT setval('ledger_journal_id_seq', 1)",
        ):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                limited.execute(attack.encode())


def test_a_right_that_comes_by_another_role_is_named_and_nothing_is_changed(server: Server) -> None:
    server.run("GRANT INSERT ON ledger_seal TO PUBLIC")
    with pytest.raises(CommandError, match="may still write ledger_seal"):
        restrict(server.role)
    with psycopg.connect(server.url) as limited, pytest.raises(psycopg.errors.InsufficientPrivilege):
        limited.execute("SELECT * FROM ledger_account")


@pytest.mark.parametrize("role", ["nobody_at_all", "public"])
def test_a_role_that_there_is_not_is_said_so(own: str, role: str) -> None:  # noqa: F811
    with pytest.raises(CommandError, match="There is no role"):
        restrict(role)


def test_the_owner_keeps_its_rights(server: Server) -> None:
    with pytest.raises(CommandError, match="restrict another role"):
        restrict(server.owner)
    filled()


def test_it_is_told_that_it_may_not_seal(server: Server) -> None:
    filled()
    restrict(server.role)
    server.run(f"GRANT {server.role} TO {server.owner}")
    with connections[ALIAS].cursor() as cursor:
        cursor.execute(f"SET ROLE {server.role}")
    with pytest.raises(CommandError, match="may not write seals"):
        call_command("ledger", "--database", ALIAS, "seal")
    with connections[ALIAS].cursor() as cursor:
        cursor.execute("RESET ROLE")

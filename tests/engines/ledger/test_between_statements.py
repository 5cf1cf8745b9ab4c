"""The end comes between any two statements: of the client, and inside the functions of the database."""

from __future__ import annotations

import itertools
import os
import random
import re
import signal
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import psycopg
import pytest
from django.db import DatabaseError, connections, transaction

from mutoscope.engines.ledger import Ledger, Transfer, credit, debit
from mutoscope.engines.ledger.installation import install_sql
from mutoscope.engines.ledger.sealing import seal
from mutoscope.engines.ledger.verification import verify
from mutoscope.engines.postgres.embedded import EmbeddedServer
from tests.engines.ledger.books import Books, fresh
from tests.engines.ledger.own import ALIAS, own_ledger

# Ends the server's process for this session at the point that it was told.
CRASH_POINT = """
CREATE FUNCTION crash_point() RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE v_seen integer := coalesce(nullif(current_setting('crash.seen', true), ''), '0')::integer + 1;
BEGIN
    PERFORM set_config('crash.seen', v_seen::text, false);
    IF v_seen = coalesce(nullif(current_setting('crash.at', true), ''), '0')::integer THEN
        PERFORM pg_terminate_backend(pg_backend_pid());
        PERFORM pg_sleep(60);
    END IF;
    RETURN true;
END $$;
"""


def with_crash_points(sql: str) -> str:
    """The same SQL with a point before each statement of each PL/pgSQL function. As an IF, which leaves FOUND as it was."""

    def plant(body: re.Match[str]) -> str:
        lines: list[str] = []
        before = ""
        inside = False
        for line in body[0].splitlines():
            inside = inside or line.strip() == "BEGIN"
            word = line.split()[0] if line.split() else ""
            begins = before.endswith((";", "THEN", "LOOP", "ELSE", "BEGIN"))
            if inside and begins and word not in ("", "--", "BEGIN", "END", "ELSE", "ELSIF", "WHEN", "EXCEPTION"):
                lines.append("IF crash_point() THEN NULL; END IF;")
            lines.append(line)
            if word not in ("", "--"):
                before = line.rstrip()
        return "\n".join(lines)

    return CRASH_POINT + re.sub(r"LANGUAGE plpgsql AS \$\$.*?END \$\$;", plant, sql, flags=re.DOTALL)


# Every way to write, each on books of its own.
def a_transfer(books: Books) -> None:
    books.ledger.post(books.unlock(30))


def the_second_transfer(books: Books) -> None:
    books.ledger.post(books.unlock(10))
    books.ledger.post(books.unlock(10))


def a_repeat(books: Books) -> None:
    unlock = books.unlock(30)
    books.ledger.post(unlock)
    books.ledger.post(unlock)


def a_top_up(books: Books) -> None:
    books.fund(books.viewer, 5)


def a_hold_posted_in_part(books: Books) -> None:
    hold = books.ledger.hold(books.unlock(30))
    books.ledger.post_hold(hold.transfer_id, fresh("part"), (debit(books.viewer, 10), credit(books.creator, 10)))


def a_hold_voided(books: Books) -> None:
    books.ledger.void_hold(books.ledger.hold(books.unlock(30)).transfer_id, fresh("void"))


def a_hold_expired(books: Books) -> None:
    books.ledger.hold(books.unlock(30), lasts=timedelta(microseconds=1))
    books.ledger.expire_holds()


def a_reversal(books: Books) -> None:
    books.ledger.reverse(books.ledger.post(books.unlock(30)).transfer_id, fresh("back"))


def linked_transfers(books: Books) -> None:
    books.ledger.post_linked(
        books.unlock(30), Transfer(fresh("on"), (debit(books.creator, 20), credit(books.platform, 20)))
    )


def two_in_one_transaction(books: Books) -> None:
    with transaction.atomic(using=ALIAS):
        books.ledger.post(books.unlock(30))
        books.ledger.post(books.unlock(20))


def a_seal(books: Books) -> None:
    books.ledger.post(books.unlock(30))
    seal(ALIAS, snapshot=True)


STORIES: tuple[Callable[[Books], None], ...] = (
    *(a_transfer, the_second_transfer, a_repeat, a_top_up, a_hold_posted_in_part, a_hold_voided, a_hold_expired),
    *(a_reversal, linked_transfers, two_in_one_transaction, a_seal),
)


def told(at: int) -> None:
    with connections[ALIAS].cursor() as cursor:
        cursor.execute("SELECT set_config('crash.seen', '0', false), set_config('crash.at', %s, false)", [str(at)])


def end_at(story: Callable[[Books], None], at: int) -> bool:
    """Tell the story until the session is ended at its point `at`. False when the story has no such point."""
    books = Books.open(100, Ledger(ALIAS))
    # What earlier tries left to expire would be this one's work, and make it longer each time.
    books.ledger.expire_holds()
    told(at)
    try:
        story(books)
    except DatabaseError as error:
        if not re.search("terminating connection|closed the connection|connection is lost", str(error)):
            raise
        connections[ALIAS].close()
        return True
    told(0)
    return False


def sound() -> None:
    report = verify(ALIAS)
    # The functions with points in them are not the functions of the release, which is not what is asked here.
    broken = {check.name: check.problems for check in report.checks if check.problems}
    assert not broken, broken


def end_at_every_point(story: Callable[[Books], None], stride: int = 1) -> None:
    points = 0
    for at in itertools.count(1, stride):
        if not end_at(story, at):
            break
        points += 1
    assert points >= 3, "no points were planted, so nothing was tried"
    sound()


@pytest.mark.parametrize(
    "story", [a_transfer, a_hold_posted_in_part, linked_transfers], ids=lambda story: story.__name__
)
def test_a_session_that_ends_inside_the_database_leaves_a_sound_ledger(
    story: Callable[[Books], None], postgres_server: EmbeddedServer, django_db_blocker: object
) -> None:
    with own_ledger(postgres_server, django_db_blocker, sql=with_crash_points(install_sql("public"))):
        end_at_every_point(story, stride=5)


@pytest.mark.crash
@pytest.mark.parametrize("story", STORIES, ids=lambda story: story.__name__)
def test_a_session_that_ends_before_any_statement_of_the_database_leaves_a_sound_ledger(
    story: Callable[[Books], None], postgres_server: EmbeddedServer, django_db_blocker: object
) -> None:
    with own_ledger(postgres_server, django_db_blocker, sql=with_crash_points(install_sql("public"))):
        end_at_every_point(story)


def killed_before(story: Callable[[Books], None], statement: int) -> bool:
    """In a process of its own: tell the story, and die by SIGKILL before its n-th statement. False when it came to its end."""
    connections[ALIAS].close()
    child = os.fork()
    if child == 0:
        try:
            books = Books.open(100, Ledger(ALIAS))
            numbers = itertools.count(1)

            def count(execute: Callable[..., object], *arguments: object) -> object:
                if next(numbers) == statement:
                    os.kill(os.getpid(), signal.SIGKILL)
                return execute(*arguments)

            with connections[ALIAS].execute_wrapper(count):
                story(books)
                count(lambda: None)  # after the last one
            os._exit(0)
        except BaseException:
            os._exit(1)
    _, status = os.waitpid(child, 0)
    assert os.WIFSIGNALED(status) or os.WEXITSTATUS(status) == 0, "the story failed by itself"
    return os.WIFSIGNALED(status)


def kill_clients(kills: int) -> None:
    done = 0
    for story in itertools.cycle(STORIES):
        for statement in itertools.count(1):
            if not killed_before(story, statement):
                break
            done += 1
            if done >= kills:
                sound()
                return
        sound()


def test_a_client_killed_before_any_of_its_statements_leaves_a_sound_ledger(
    postgres_server: EmbeddedServer, django_db_blocker: object
) -> None:
    with own_ledger(postgres_server, django_db_blocker):
        kill_clients(20)


@pytest.mark.crash
def test_a_thousand_clients_killed_between_statements_leave_a_sound_ledger(
    postgres_server: EmbeddedServer, django_db_blocker: object
) -> None:
    with own_ledger(postgres_server, django_db_blocker):
        kill_clients(1000)


@pytest.mark.crash
def test_a_server_killed_between_statements_a_hundred_times_leaves_a_sound_ledger(
    tmp_path: Path, django_db_blocker: object
) -> None:
    """As above, but the whole server stops at once (`pg_ctl stop -m immediate`) while the session stands at the point."""
    tmp_path.chmod(0o755)
    server = EmbeddedServer(tmp_path / "home", may_create_databases=True)
    waits = CRASH_POINT.replace("PERFORM pg_terminate_backend(pg_backend_pid());", "RAISE LOG 'at the point';")
    planted = with_crash_points(install_sql("public")).replace(CRASH_POINT, waits)
    chance = random.Random(4)
    server.start()
    try:
        with own_ledger(server, django_db_blocker, sql=planted) as url:
            for _ in range(100):
                stop_at_a_point(server, url, chance.choice(STORIES), chance.randint(1, 40))
                sound()
    finally:
        server.stop()


def stop_at_a_point(server: EmbeddedServer, url: str, story: Callable[[Books], None], at: int) -> None:
    connections[ALIAS].close()
    child = os.fork()
    if child == 0:
        try:
            end_at(story, at)
        finally:
            os._exit(0)
    with psycopg.connect(url, autocommit=True) as watcher:
        while os.waitpid(child, os.WNOHANG) == (0, 0):
            asleep = watcher.execute(
                "SELECT FROM pg_stat_activity WHERE wait_event = 'PgSleep' AND datname = current_database()"
            )
            if asleep.fetchone() is not None:
                pid = server.pid()
                assert pid is not None
                os.kill(pid, signal.SIGQUIT)
                os.waitpid(child, 0)
                break
        else:
            return  # the story was over before its point
    server.stop()
    server.start()

"""Each planted mistake in the SQL is caught by the invariant that names it."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable
from datetime import timedelta

import psycopg
import pytest
from django.db import DatabaseError, connections, transaction

from mutoscope.engines.ledger import InsufficientFunds, KeyReused, Ledger, Receipt, Transfer, credit, debit
from mutoscope.engines.ledger.installation import install_sql
from mutoscope.engines.ledger.sealing import seal
from mutoscope.engines.ledger.verification import verify
from mutoscope.engines.postgres.embedded import EmbeddedServer
from tests.engines.ledger.books import Books, fresh
from tests.engines.ledger.own import ALIAS, own_ledger


def raw(statement: str, *values: object) -> None:
    with transaction.atomic(using=ALIAS), connections[ALIAS].cursor() as cursor:
        cursor.execute(statement, values)


def refused(statement: str, *values: object) -> bool:
    try:
        raw(statement, *values)
    except DatabaseError:
        return True
    return False


INSERT = "INSERT INTO ledger_posting (kind, key, accounts, amounts) VALUES ('single', %s, %s, %s)"


def sound() -> bool:
    return verify(ALIAS).is_sound()


def the_door_refuses_an_overdraft_politely(books: Books) -> bool:
    try:
        books.ledger.post(books.unlock(5000))
    except InsufficientFunds:
        return True
    except DatabaseError:
        return False
    return False


def a_covered_transfer_posts(books: Books) -> bool:
    try:
        books.ledger.post(books.unlock(30))
    except (InsufficientFunds, DatabaseError):
        return False
    return books.posted(books.viewer) == 70


def the_database_refuses_what_does_not_balance(books: Books) -> bool:
    books.ledger.post(books.unlock(10))  # gathers, so that the next goes the short way
    return refused(INSERT, fresh("k"), [books.viewer.id, books.creator.id], [-5, 6])


def the_database_refuses_mixed_currencies(books: Books) -> bool:
    books.ledger.post(books.unlock(10))
    euros = books.ledger.open_account(fresh("e"), "cash", "EUR")
    return refused(INSERT, fresh("k"), [books.viewer.id, euros.id], [-5, 5])


def history_is_append_only(books: Books) -> bool:
    return refused("DELETE FROM ledger_entry") and refused("UPDATE ledger_transfer SET key = 'x'")


def balances_follow_transfers_only(books: Books) -> bool:
    return refused("UPDATE ledger_account SET held = held + 1 WHERE id = %s", books.source.id)


def a_changed_request_is_refused(books: Books) -> bool:
    unlock = books.unlock(30)
    books.ledger.post(unlock)
    try:
        books.ledger.post(Transfer(unlock.key, books.unlock(40).legs, unlock.metadata))
    except KeyReused:
        return True
    return False


def a_repeated_request_posts_once(books: Books) -> bool:
    unlock = books.unlock(30)
    try:
        books.ledger.post(unlock)
        again = books.ledger.post(unlock)
    except DatabaseError:
        return False
    return again.repeated and books.posted(books.viewer) == 70


def a_repeat_is_found_when_the_money_is_gone(books: Books) -> bool:
    unlock = books.unlock(100)
    books.ledger.post(unlock)
    try:
        return books.ledger.post(unlock).repeated
    except InsufficientFunds:
        return False


def holds_release_what_they_held(books: Books) -> bool:
    hold = books.ledger.hold(books.unlock(30))
    try:
        books.ledger.void_hold(hold.transfer_id, fresh("void"))
    except DatabaseError:
        return False
    return books.ledger.balance(books.viewer).held == 0 and sound()


def a_hold_is_set_aside(books: Books) -> bool:
    books.ledger.hold(books.unlock(80))
    return the_door_refuses_an_overdraft_politely(books) and books.ledger.balance(books.viewer).available == 20


def a_post_stays_within_its_hold(books: Books) -> bool:
    hold = books.ledger.hold(books.unlock(30))
    over = (debit(books.viewer, 40), credit(books.creator, 40))
    try:
        with transaction.atomic(using=ALIAS):
            books.ledger.post_hold(hold.transfer_id, fresh("k"), over)
    except ValueError:
        return True
    return False


def a_reversal_mirrors(books: Books) -> bool:
    posted = books.ledger.post(books.unlock(30))
    return refused(
        "INSERT INTO ledger_posting (kind, key, refers_to, accounts, amounts) VALUES ('reversal', %s, %s, %s, %s)",
        *(fresh("k"), posted.transfer_id, [books.viewer.id, books.creator.id, books.platform.id], [2, -1, -1]),
    )


def a_batch_never_overdraws(books: Books) -> bool:
    try:
        results = books.ledger.post_each([books.unlock(30) for _ in range(5)])
    except DatabaseError:
        return False
    return [isinstance(result, Receipt) for result in results] == [True, True, True, False, False]


def links_post_all_or_none(books: Books) -> bool:
    books.ledger.post_each([(books.unlock(30), books.unlock(90))])
    return books.posted(books.viewer) == 100


def sub_balances_are_spent_once(books: Books) -> bool:
    """What came in is there once: not less, and not again for the next who asks."""
    try:
        books.ledger.post(books.unlock(60))
        books.ledger.post(books.unlock(40))
    except (InsufficientFunds, DatabaseError):
        return False
    return books.posted(books.viewer) == 0 and the_door_refuses_an_overdraft_politely(books) and sound()


def a_batch_gathers_once(books: Books) -> bool:
    first = books.ledger.post_each([books.unlock(60)])
    second = books.ledger.post_each([books.unlock(40), books.unlock(2)])
    kinds = [isinstance(result, Receipt) for result in (*first, *second)]
    return kinds == [True, True, False] and books.posted(books.viewer) == 0 and sound()


def the_database_refuses_an_overdraft_that_a_door_overlooks(books: Books) -> bool:
    """With the door's own look taken away, the value itself is still refused."""
    for function in ("ledger_take(bigint, bigint, boolean)", "ledger_apply_posting()"):
        raw(f"""DO $$ BEGIN EXECUTE replace(replace(pg_get_functiondef('{function}'::regprocedure),
            'a.available + v_amount >= 0', 'true'), 'short := free + p_amount < 0', 'short := false'); END $$""")
    return refused(INSERT, fresh("k"), [books.viewer.id, books.creator.id], [-5000, 5000])


def the_database_refuses_mixed_currencies_where_money_came_in_before(books: Books) -> bool:
    """The euros have a sub-balance for this connection already, so that the short way finds it."""
    bank = books.ledger.open_account(fresh("e"), "bank", "EUR", may_go_negative=True)
    euros = books.ledger.open_account(fresh("e"), "cash", "EUR")
    books.ledger.post(Transfer(fresh("e"), (debit(bank, 5), credit(euros, 5))))
    books.ledger.post(books.unlock(30))
    return refused(INSERT, fresh("k"), [books.viewer.id, euros.id], [-5, 5])


def a_credit_waits_for_nothing(books: Books) -> bool:
    """Somebody credits the same account and has not committed: the next credit neither waits nor is lost."""
    other = Books.open(100, Ledger(ALIAS))
    with psycopg.connect(_dsn()) as holder:
        holder.execute(INSERT, (fresh("k"), [books.platform.id, other.viewer.id], [5, -5]))
        try:
            with transaction.atomic(using=ALIAS):
                raw("SET LOCAL lock_timeout = '200ms'")
                books.ledger.post(books.unlock(30))
        except DatabaseError:
            return False
        holder.commit()
    return books.posted(books.platform) == 8 and sound()


def simultaneous_debits_wait_for_each_other(books: Books) -> bool:
    """Eight at once for money that suffices for one: one posts, seven are refused, none fails in another way."""
    words: list[str] = []
    barrier = threading.Barrier(8)

    def spend() -> None:
        barrier.wait()
        try:
            books.ledger.post(books.unlock(100))
            words.append("posted")
        except InsufficientFunds:
            words.append("refused")
        except DatabaseError:
            words.append("broken")
        finally:
            connections[ALIAS].close()

    threads = [threading.Thread(target=spend) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sorted(words) == ["posted"] + ["refused"] * 7


def snapshots_agree_over_two_seals(books: Books) -> bool:
    books.ledger.post(books.unlock(10))
    seal(ALIAS, snapshot=True)
    books.ledger.post(books.unlock(10))
    seal(ALIAS, snapshot=True)
    return sound()


def the_chain_covers_every_transfer(books: Books) -> bool:
    try:
        for _ in range(3):
            books.ledger.post(books.unlock(10))
            seal(ALIAS)
    except DatabaseError:
        return False
    report = verify(ALIAS)
    return report.is_sound() and report.sealed == report.transfers


def an_expired_hold_cannot_be_posted(books: Books) -> bool:
    hold = books.ledger.hold(books.unlock(10), lasts=timedelta(microseconds=1))
    return refused(
        "INSERT INTO ledger_posting (kind, key, refers_to, accounts, amounts)"
        " SELECT 'post', %s, id, accounts, amounts FROM ledger_transfer WHERE id = %s",
        *(fresh("k"), hold.transfer_id),
    )


def _dsn() -> str:
    known = connections[ALIAS].settings_dict
    return f"host={known['HOST']} dbname={known['NAME']} user={known['USER']}"


# What is planted (the text to find, what takes its place) and who must notice.
MUTANTS: dict[str, tuple[str, str, Callable[[Books], bool]]] = {
    "the CHECK on balances is gone, and nobody looks": (
        "CHECK (VALUE >= 0)",
        "CHECK (true)",
        the_database_refuses_an_overdraft_that_a_door_overlooks,
    ),
    "the door does not look at what there is": (
        "short := free + p_amount < 0;",
        "short := false;",
        the_door_refuses_an_overdraft_politely,
    ),
    "the door's sign is flipped": (
        "short := free + p_amount < 0;",
        "short := free + p_amount >= 0;",
        a_covered_transfer_posts,
    ),
    "the sum is not checked": (
        "v_total := coalesce(v_total, 0) + v_amount",
        "v_total := 0",
        the_database_refuses_what_does_not_balance,
    ),
    "currencies are not compared": (
        "HAVING a.currency IS NULL OR sum(n.amount) <> 0 OR",
        "HAVING a.currency IS NULL OR",
        the_database_refuses_mixed_currencies,
    ),
    "a credit in another currency is not noticed": (
        "AND min(a.currency) = p_currency AND max(a.currency) = p_currency",
        "",
        the_database_refuses_mixed_currencies,
    ),
    "a sub-balance takes any currency": (
        "AND s.currency = v_currency AND",
        "AND",
        the_database_refuses_mixed_currencies_where_money_came_in_before,
    ),
    "entries may be deleted": (
        "CREATE OR REPLACE TRIGGER ledger_entry_append_only BEFORE UPDATE OR DELETE OR TRUNCATE",
        "CREATE OR REPLACE TRIGGER ledger_entry_append_only BEFORE UPDATE OR TRUNCATE",
        history_is_append_only,
    ),
    "balances may be set by hand": ("IF pg_trigger_depth() > 1 THEN", "IF true THEN", balances_follow_transfers_only),
    "content is not compared": ("t.amounts = p_amounts AND", "true AND", a_changed_request_is_refused),
    "the key is dropped": (
        "    CONSTRAINT ledger_transfer_key_once UNIQUE (key)\n",
        "    CONSTRAINT ledger_transfer_key_once UNIQUE (key, id)\n",
        a_repeated_request_posts_once,
    ),
    "a repeat keeps what it took": (
        "PERFORM ledger_put_back(NEW.accounts, NEW.amounts, false);",
        "",
        a_repeated_request_posts_once,
    ),
    "a repeat is judged by today's balance": (
        "            p := ledger_known(p);\n            IF p.outcome IS NULL THEN\n                p.outcome := 'insufficient';",
        "            IF true THEN\n                p.outcome := 'insufficient';",
        a_repeat_is_found_when_the_money_is_gone,
    ),
    "a released hold is held again": (
        "SET held = a.held + n.amount, available =",
        "SET held = a.held - n.amount, available =",
        holds_release_what_they_held,
    ),
    "a hold holds nothing": (
        "SET available = free + p_amount, gathered",
        "SET available = CASE WHEN p_hold THEN free ELSE free + p_amount END, gathered",
        a_hold_is_set_aside,
    ),
    "a post may exceed its hold": ("OR abs(mine.amount) > abs(plan.amount)", "", a_post_stays_within_its_hold),
    "a reversal need not mirror": ("WHERE mine <> -theirs", "WHERE false", a_reversal_mirrors),
    "a batch looks at each transfer alone": (
        "+ sum(least(amount, 0)) OVER (PARTITION BY account ORDER BY number)",
        "+ least(amount, 0)",
        a_batch_never_overdraws,
    ),
    "links are ignored": (
        "bool_and(verdict IS NULL) OVER (PARTITION BY link)",
        "verdict IS NULL",
        links_post_all_or_none,
    ),
    "what came in is gathered twice": (
        "SET available = free + p_amount, gathered = v_gathered,",
        "SET available = free + p_amount,",
        sub_balances_are_spent_once,
    ),
    "a batch gathers twice": (
        "SET available = a.available + (s.balance - a.gathered), gathered = s.balance",
        "SET available = a.available + (s.balance - a.gathered)",
        a_batch_gathers_once,
    ),
    "a batch's debits are not written": (
        "FROM (SELECT account, sum(amount)::bigint AS amount FROM moved WHERE own_row GROUP BY account) m",
        "FROM (SELECT account, sum(amount)::bigint AS amount FROM moved WHERE own_row AND amount > 0 GROUP BY account) m",
        a_batch_gathers_once,
    ),
    "the debited account is not locked": (
        "WHERE a.id = p_account FOR NO KEY UPDATE;",
        "WHERE a.id = p_account; PERFORM pg_sleep(0.05);",
        simultaneous_debits_wait_for_each_other,
    ),
    "a slot is everybody's": (
        "IF NOT pg_try_advisory_xact_lock(1279607879, v_slot) THEN",
        "v_slot := 0; IF false THEN",
        a_credit_waits_for_nothing,
    ),
    "snapshots count twice": ("WHERE e.transfer_id > v_snapped AND", "WHERE", snapshots_agree_over_two_seals),
    "a seal begins one too late": (
        "WHERE t.id > coalesce(v_last.through_id, 0) AND t.id <= v_through;",
        "WHERE t.id > coalesce(v_last.through_id + 1, 0) AND t.id <= v_through;",
        the_chain_covers_every_transfer,
    ),
    "expiry is not looked at": (
        "ELSE coalesce(v_expires_at > clock_timestamp(), true) AND",
        "ELSE true AND",
        an_expired_hold_cannot_be_posted,
    ),
}


@pytest.mark.parametrize("mutant", MUTANTS)
def test_a_planted_mistake_is_caught(mutant: str, postgres_server: EmbeddedServer, django_db_blocker: object) -> None:
    planted, replacement, invariant = MUTANTS[mutant]
    found = re.sub(r"public\.", "", install_sql("public"))
    assert planted in found, "the planted mistake no longer fits the SQL: bring it up to date"
    with own_ledger(postgres_server, django_db_blocker, sql=found.replace(planted, replacement)):
        assert not invariant(Books.open(100, Ledger(ALIAS))), f"{invariant.__name__} did not notice that {mutant}"


@pytest.mark.parametrize(
    "invariant",
    sorted({each[2] for each in MUTANTS.values()}, key=lambda each: each.__name__),
    ids=lambda each: each.__name__,
)
def test_the_invariant_holds(
    invariant: Callable[[Books], bool], postgres_server: EmbeddedServer, django_db_blocker: object
) -> None:
    with own_ledger(postgres_server, django_db_blocker):
        assert invariant(Books.open(100, Ledger(ALIAS)))

"""What a sound ledger does, each as a question that a mistake in its SQL answers with no. Asked by test_mutants.py."""

from __future__ import annotations

import threading
from datetime import timedelta

import psycopg
from django.db import DatabaseError, connections, transaction

from mutoscope.engines.ledger import InsufficientFunds, KeyReused, Ledger, Receipt, Transfer, credit, debit
from mutoscope.engines.ledger.sealing import seal
from mutoscope.engines.ledger.verification import verify
from tests.engines.ledger.books import Books, fresh
from tests.engines.ledger.own import ALIAS


def raw(statement: str, *values: object) -> None:
    with transaction.atomic(using=ALIAS), connections[ALIAS].cursor() as cursor:
        cursor.execute(statement, values)


def refused(statement: str, *values: object) -> bool:
    try:
        raw(statement, *values)
    except DatabaseError:
        return True
    return False


PAY = "INSERT INTO ledger_payment (key, payer, payee, amount, payee_2, amount_2) VALUES (%s, %s, %s, %s, %s, %s)"
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


def the_database_refuses_legs_out_of_order(books: Books) -> bool:
    books.ledger.post(books.unlock(10))
    return refused(INSERT, fresh("k"), [books.creator.id, books.viewer.id], [5, -5])


def two_may_pay_in_one_transfer(books: Books) -> bool:
    books.fund(books.creator, 20)
    books.ledger.post(books.unlock(10))  # gathers, so that the first of the two goes the short way
    both = (debit(books.viewer, 5), debit(books.creator, 5), credit(books.platform, 10))
    short = (debit(books.viewer, 5), debit(books.creator, 500), credit(books.platform, 505))
    books.ledger.post(Transfer(fresh("two"), both))
    try:
        books.ledger.post(Transfer(fresh("two"), short))
    except InsufficientFunds:
        return (books.posted(books.viewer), books.posted(books.creator)) == (85, 24) and sound()
    return False


def the_database_refuses_mixed_currencies(books: Books) -> bool:
    books.ledger.post(books.unlock(10))
    euros = books.ledger.open_account(fresh("e"), "cash", "EUR")
    legs = [books.viewer.id, euros.id], [-5, 5]
    return refused(INSERT, fresh("k"), *legs) and refused(PAY, fresh("k"), books.viewer.id, euros.id, 5, None, None)


def legs_are_counted_from_one(books: Books) -> bool:
    """Arrays that begin elsewhere, or have two dimensions, would shift the amounts against the accounts: who pays is not looked at."""
    late = books.ledger.open_account(fresh("late"), "issued", "PTS", may_go_negative=True).id
    viewer, creator = books.viewer.id, books.creator.id
    odd = [
        (f"{{{viewer},{creator},{late}}}", "[0:2]={-900,899,1}"),
        (f"[0:2]={{{viewer},{creator},{late}}}", "{-900,899,1}"),
        (f"{{{viewer},{late}}}", "[0:1]={-900,900}"),
        (f"{{{viewer},{late}}}", "{{-900,900}}"),
        (f"{{{{{viewer},{late}}}}}", "{-900,900}"),
    ]
    return all(refused(INSERT, fresh("k"), *legs) for legs in odd) and sound()


def snapshots_follow_transfers_only(books: Books) -> bool:
    books.ledger.post(books.unlock(10))
    invented = "INSERT INTO ledger_snapshot VALUES (%s, 1, 99999)"
    return refused(invented, books.viewer.id) and refused("INSERT INTO ledger_seal SELECT * FROM ledger_seal")


def history_is_append_only(books: Books) -> bool:
    return refused("DELETE FROM ledger_entry_apart") and refused("UPDATE ledger_journal SET key = 'x'")


def a_payment_names_each_account_once(books: Books) -> bool:
    books.ledger.post(books.unlock(10))  # gathers, so that the next goes the short way
    viewer, creator = books.viewer.id, books.creator.id
    to_oneself = refused(PAY, fresh("k"), viewer, viewer, 5, None, None)
    return to_oneself and refused(PAY, fresh("k"), viewer, creator, 5, viewer, 5)


def a_payment_has_amounts_above_zero(books: Books) -> bool:
    books.ledger.post(books.unlock(10))
    accounts = books.viewer.id, books.creator.id
    negative = refused(PAY, fresh("k"), *accounts, -5, None, None)
    return negative and refused(PAY, fresh("k"), *accounts, 6, books.platform.id, -5)


def a_payment_has_a_payee(books: Books) -> bool:
    books.ledger.post(books.unlock(10))
    return refused(PAY, fresh("k"), books.viewer.id, None, 5, None, None)


def a_payment_has_an_amount_for_each_payee(books: Books) -> bool:
    books.ledger.post(books.unlock(10))
    accounts = books.viewer.id, books.creator.id
    return refused(PAY, fresh("k"), *accounts, 5, None, 5) and refused(
        PAY, fresh("k"), *accounts, 5, books.platform.id, None
    )


def a_payment_is_everybodys_entry(books: Books) -> bool:
    """Whoever has the lowest id, payer or payee: each sees it in the statement, and it is found again by its content."""
    books.ledger.post(books.unlock(30))
    back = (debit(books.platform, 2), credit(books.viewer, 1), credit(books.creator, 1))
    round_about = (debit(books.creator, 3), credit(books.viewer, 2), credit(books.platform, 1))
    for legs in (back, round_about):
        transfer = Transfer(fresh("pay"), legs)
        try:
            books.ledger.post(transfer)
            if not books.ledger.post(transfer).repeated:
                return False
        except KeyReused:
            return False
    pages = [books.ledger.statement(account).lines for account in (books.viewer, books.creator, books.platform)]
    return [len(lines) for lines in pages] == [4, 3, 3] and sound()


def balances_follow_transfers_only(books: Books) -> bool:
    return refused("UPDATE ledger_account SET held = held + 1 WHERE id = %s", books.source.id)


def sub_balances_follow_transfers_only(books: Books) -> bool:
    return refused("INSERT INTO ledger_sub_balance VALUES (%s, 99, 5, 'PTS')", books.viewer.id)


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
    except (KeyReused, DatabaseError):
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
    for function in ("ledger_take(bigint, bigint, boolean)", "ledger_apply_payment()"):
        raw(f"""DO $$ BEGIN EXECUTE replace(replace(pg_get_functiondef('{function}'::regprocedure),
            'a.available >= NEW.amount + coalesce(NEW.amount_2, 0)', 'true'), 'short := free + p_amount < 0', 'short := false'); END $$""")
    overdraft = books.viewer.id, books.creator.id, 5000, None, None
    return refused(INSERT, fresh("k"), [books.viewer.id, books.creator.id], [-5000, 5000]) and refused(
        PAY, fresh("k"), *overdraft
    )


def the_database_refuses_mixed_currencies_where_money_came_in_before(books: Books) -> bool:
    """The euros have a sub-balance for this connection already, so that the short way finds it."""
    bank = books.ledger.open_account(fresh("e"), "bank", "EUR", may_go_negative=True)
    euros = books.ledger.open_account(fresh("e"), "cash", "EUR")
    books.ledger.post(Transfer(fresh("e"), (debit(bank, 5), credit(euros, 5))))
    books.ledger.post(books.unlock(30))
    legs = [books.viewer.id, euros.id], [-5, 5]
    return refused(INSERT, fresh("k"), *legs) and refused(PAY, fresh("k"), books.viewer.id, euros.id, 5, None, None)


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

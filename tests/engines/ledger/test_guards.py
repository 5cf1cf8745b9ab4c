"""What the table owner's own SQL meets."""

from __future__ import annotations

import pytest
from django.db import DatabaseError, connection, transaction

from mutoscope.engines.ledger import models
from tests.engines.ledger.books import Books, fresh

pytestmark = pytest.mark.django_db

ATTACKS = {
    "change an amount": "UPDATE ledger_entry SET amount = amount + 1",
    "delete entries": "DELETE FROM ledger_entry",
    "truncate entries": "TRUNCATE ledger_entry",
    "add an entry": "INSERT INTO ledger_entry VALUES ({viewer}, 999999999, 5)",
    "change a transfer": "UPDATE ledger_transfer SET metadata = '{{}}' WHERE id = {transfer}",
    "change a transfer's time": "UPDATE ledger_transfer SET recorded_at = now() WHERE id = {transfer}",
    "delete a transfer": "DELETE FROM ledger_transfer WHERE id = {transfer}",
    "truncate transfers": "TRUNCATE ledger_transfer CASCADE",
    "change a row of the journal": "UPDATE ledger_journal SET amount = 1 WHERE id = {transfer}",
    "delete a row of the journal": "DELETE FROM ledger_journal WHERE id = {transfer}",
    "truncate the journal": "TRUNCATE ledger_journal CASCADE",
    "write into the journal": "INSERT INTO ledger_journal (payer, payee, amount, key) VALUES ({viewer}, {creator}, 5, '{key}')",
    "change an entry apart": "UPDATE ledger_entry_apart SET amount = amount + 1",
    "delete entries apart": "DELETE FROM ledger_entry_apart",
    "truncate entries apart": "TRUNCATE ledger_entry_apart",
    "add an entry apart": "INSERT INTO ledger_entry_apart VALUES ({viewer}, {transfer}, 5)",
    "give points": "UPDATE ledger_account SET available = available + 1000 WHERE id = {viewer}",
    "release a hold": "UPDATE ledger_account SET held = 0 WHERE id = {viewer}",
    "give points in a sub-balance": "INSERT INTO ledger_sub_balance VALUES ({viewer}, 3, 5, 'PTS')",
    "give points in one that is there": "INSERT INTO ledger_sub_balance AS s SELECT * FROM ledger_sub_balance WHERE account_id = {viewer} ON CONFLICT (account_id, slot) DO UPDATE SET balance = s.balance + 5",
    "merge points in": "MERGE INTO ledger_sub_balance s USING (SELECT {viewer}::bigint AS id) v ON s.account_id = v.id AND s.slot = 77 WHEN NOT MATCHED THEN INSERT VALUES (v.id, 77, 5, 'PTS')",
    "give points as gathered": "UPDATE ledger_account SET gathered = 0 WHERE id = {viewer}",
    "copy a balance": "UPDATE ledger_account a SET available = b.available FROM ledger_account b WHERE a.id = {creator} AND b.id = {viewer}",
    "write a transfer past the door": "INSERT INTO ledger_transfer (kind, key, accounts, amounts) VALUES ('single', '{key}', '{{{viewer},{creator}}}', '{{-5,5}}')",
    "move a sub-balance": "UPDATE ledger_sub_balance SET account_id = {viewer}",
    "forget a reversal": "DELETE FROM ledger_reference",
    "invent a reversal": "INSERT INTO ledger_reference VALUES ({transfer}, {transfer})",
    "forget what was backdated": "TRUNCATE ledger_backdated",
    "invent a backdating": "INSERT INTO ledger_backdated VALUES ({transfer}, now())",
    "change a sub-balance": "UPDATE ledger_sub_balance SET balance = balance + 1",
    "delete a sub-balance": "DELETE FROM ledger_sub_balance",
    "truncate sub-balances": "TRUNCATE ledger_sub_balance",
    "delete an account": "DELETE FROM ledger_account WHERE id = {viewer}",
    "truncate accounts": "TRUNCATE ledger_account CASCADE",
    "take an account over": "UPDATE ledger_account SET owner = 'me' WHERE id = {viewer}",
    "lift a limit": "UPDATE ledger_account SET may_go_negative = true WHERE id = {viewer}",
    "change a currency": "UPDATE ledger_account SET currency = 'BTC' WHERE id = {viewer}",
    "open an account with money": "INSERT INTO ledger_account (owner, kind, currency, available) VALUES ('{key}', 'x', 'PTS', 5)",
    "open an account with a hold": "INSERT INTO ledger_account (owner, kind, currency, held) VALUES ('{key}', 'x', 'PTS', 5)",
    "forget a hold": "DELETE FROM ledger_open_hold",
    "invent a hold": "INSERT INTO ledger_open_hold VALUES ({transfer})",
    "post what does not balance": "INSERT INTO ledger_posting (kind, key, accounts, amounts) VALUES ('single', '{key}', '{{{viewer},{creator}}}', '{{-5,6}}')",
    "post one leg": "INSERT INTO ledger_posting (kind, key, accounts, amounts) VALUES ('single', '{key}', '{{{viewer}}}', '{{5}}')",
    "post no legs": "INSERT INTO ledger_posting (kind, key, accounts, amounts) VALUES ('single', '{key}', '{{}}', '{{}}')",
    "post zero": "INSERT INTO ledger_posting (kind, key, accounts, amounts) VALUES ('single', '{key}', '{{{viewer},{creator}}}', '{{0,0}}')",
    "post nothing": "INSERT INTO ledger_posting (kind, key, accounts, amounts) VALUES ('single', '{key}', '{{{viewer},{creator}}}', '{{NULL,NULL}}')",
    "post to nobody": "INSERT INTO ledger_posting (kind, key, accounts, amounts) VALUES ('single', '{key}', '{{{viewer},4611686018427387904}}', '{{-5,5}}')",
    "name an account twice": "INSERT INTO ledger_posting (kind, key, accounts, amounts) VALUES ('single', '{key}', '{{{viewer},{viewer}}}', '{{-5,5}}')",
    "lopsided legs": "INSERT INTO ledger_posting (kind, key, accounts, amounts) VALUES ('single', '{key}', '{{{viewer},{creator}}}', '{{-5}}')",
    "legs in a matrix": "INSERT INTO ledger_posting (kind, key, accounts, amounts) VALUES ('single', '{key}', '{{{{{viewer},{creator}}}}}', '{{{{-5,5}}}}')",
    "mix currencies": "INSERT INTO ledger_posting (kind, key, accounts, amounts) VALUES ('single', '{key}', '{{{viewer},{euros}}}', '{{-5,5}}')",
    "invent a kind": "INSERT INTO ledger_posting (kind, key, accounts, amounts) VALUES ('gift', '{key}', '{{{viewer},{creator}}}', '{{-5,5}}')",
    "reverse unfaithfully": "INSERT INTO ledger_posting (kind, key, refers_to, accounts, amounts) VALUES ('reversal', '{key}', {transfer}, '{{{viewer},{creator}}}', '{{5,-5}}')",
    "end no hold": "INSERT INTO ledger_posting (kind, key, refers_to, accounts, amounts) VALUES ('void', '{key}', {transfer}, '{{}}', '{{}}')",
    "void without a hold": "INSERT INTO ledger_posting (kind, key, accounts, amounts) VALUES ('void', '{key}', '{{}}', '{{}}')",
    "expire early": "INSERT INTO ledger_posting (kind, key, refers_to, accounts, amounts) VALUES ('expire', '{key}', {hold}, '{{}}', '{{}}')",
    "post beyond a hold": "INSERT INTO ledger_posting (kind, key, refers_to, accounts, amounts) VALUES ('post', '{key}', {hold}, '{{{viewer},{creator}}}', '{{-31,31}}')",
    "post after the last moment that can be read": "INSERT INTO ledger_posting (key, accounts, amounts, effective_at) VALUES ('{key}', '{{{viewer},{creator}}}', '{{-5,5}}', '9999-12-31 23:59-05')",
    "post before the first": "INSERT INTO ledger_posting (key, accounts, amounts, effective_at) VALUES ('{key}', '{{{viewer},{creator}}}', '{{-5,5}}', '-infinity')",
    "hold for ever": "INSERT INTO ledger_posting (kind, key, accounts, amounts, expires_at) VALUES ('hold', '{key}', '{{{viewer},{creator}}}', '{{-5,5}}', 'infinity')",
    "pay nothing": "INSERT INTO ledger_payment (key, payer, payee, amount) VALUES ('{key}', {viewer}, {creator}, 0)",
    "pay less than nothing": "INSERT INTO ledger_payment (key, payer, payee, amount) VALUES ('{key}', {viewer}, {creator}, -5)",
    "pay no amount": "INSERT INTO ledger_payment (key, payer, payee) VALUES ('{key}', {viewer}, {creator})",
    "pay less than nothing to a second": "INSERT INTO ledger_payment (key, payer, payee, amount, payee_2, amount_2) VALUES ('{key}', {viewer}, {creator}, 10, {euros}, -5)",
    "pay a second no amount": "INSERT INTO ledger_payment (key, payer, payee, amount, payee_2) VALUES ('{key}', {viewer}, {creator}, 5, {euros})",
    "pay an amount to no second": "INSERT INTO ledger_payment (key, payer, payee, amount, amount_2) VALUES ('{key}', {viewer}, {creator}, 5, 5)",
    "pay with an outcome": "INSERT INTO ledger_payment (key, payer, payee, amount, outcome) VALUES ('{key}', {viewer}, {creator}, 5, 'insufficient')",
    "pay with no outcome": "INSERT INTO ledger_payment (key, payer, payee, amount, outcome) VALUES ('{key}', {viewer}, {creator}, 5, NULL)",
    "invent a snapshot": "INSERT INTO ledger_snapshot VALUES ({viewer}, {transfer}, 99999)",
    "invent a seal": "INSERT INTO ledger_seal VALUES (999999, 1, 1, 1, now(), now(), now(), false, '\\x', '\\x')",
    "pay nobody": "INSERT INTO ledger_payment (key, payer, amount) VALUES ('{key}', {viewer}, 5)",
    "let nobody pay": "INSERT INTO ledger_payment (key, payee, amount) VALUES ('{key}', {viewer}, 5)",
    "pay who does not exist": "INSERT INTO ledger_payment (key, payer, payee, amount) VALUES ('{key}', {viewer}, 4611686018427387904, 5)",
    "let who does not exist pay": "INSERT INTO ledger_payment (key, payer, payee, amount) VALUES ('{key}', 4611686018427387904, {viewer}, 5)",
    "pay oneself": "INSERT INTO ledger_payment (key, payer, payee, amount) VALUES ('{key}', {viewer}, {viewer}, 5)",
    "pay oneself in the second place": "INSERT INTO ledger_payment (key, payer, payee, amount, payee_2, amount_2) VALUES ('{key}', {viewer}, {creator}, 5, {viewer}, 5)",
    "pay the same twice": "INSERT INTO ledger_payment (key, payer, payee, amount, payee_2, amount_2) VALUES ('{key}', {viewer}, {creator}, 5, {creator}, 5)",
    "pay in another currency": "INSERT INTO ledger_payment (key, payer, payee, amount) VALUES ('{key}', {viewer}, {euros}, 5)",
    "pay a second in another currency": "INSERT INTO ledger_payment (key, payer, payee, amount, payee_2, amount_2) VALUES ('{key}', {viewer}, {creator}, 5, {euros}, 5)",
    "pay more than there can be": "INSERT INTO ledger_payment (key, payer, payee, amount, payee_2, amount_2) VALUES ('{key}', {viewer}, {creator}, 9223372036854775807, {euros}, 1)",
    "pay without a key": "INSERT INTO ledger_payment (payer, payee, amount) VALUES ({viewer}, {creator}, 5)",
    "pay past the first look": "SELECT ledger_pay_any(ROW('{key}', {viewer}, {creator}, 5, NULL, NULL, '{{}}', NULL, NULL, NULL, NULL)::ledger_payment)",
    "pay again by hand": "SELECT ledger_pay_again(ROW('{key}', {viewer}, {creator}, 5, NULL, NULL, '{{}}', NULL, NULL, NULL, NULL)::ledger_payment)",
    "take what was gathered by hand": "SELECT ledger_take_gathered(ROW('{key}', {viewer}, {creator}, 5, NULL, NULL, '{{}}', NULL, NULL, NULL, NULL)::ledger_payment)",
    "take by hand": "SELECT ledger_take({viewer}, -1, false)",
    "put back by hand": "SELECT ledger_put_back('{{{viewer}}}', '{{-5}}', false)",
    "let money come in by hand": "SELECT ledger_come_in('{{{viewer}}}', '{{5}}', true, 1)",
    "release by hand": "SELECT ledger_release('{{{viewer}}}', '{{-5}}')",
    "post past the first look": "SELECT ledger_post_any(ROW('{key}', '{{{viewer},{creator}}}', '{{-5,5}}', '{{}}', NULL, 'single', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL)::ledger_posting)",
    "change the door's rows": "UPDATE ledger_posting SET key = 'x'",
    "open an account past its door": "INSERT INTO ledger_account (owner, kind, currency) VALUES ('{key}', 'x', 'PTS')",
    "batch what does not balance": "INSERT INTO ledger_batch (keys, links, metadata, effective_at, numbers, accounts, amounts) VALUES ('{{k}}', '{{NULL}}', ARRAY[NULL::jsonb], '{{NULL}}', '{{1,1}}', '{{{viewer},{creator}}}', '{{-5,5}}')",
    "change a seal": "UPDATE ledger_seal SET hash = '\\x00'",
    "delete seals": "DELETE FROM ledger_seal",
    "delete snapshots": "DELETE FROM ledger_snapshot",
    "truncate snapshots": "TRUNCATE ledger_snapshot",
}


@pytest.mark.parametrize("attack", ATTACKS)
def test_the_owners_own_sql_is_refused(attack: str) -> None:
    books = Books.open(100)
    receipt = books.ledger.post(unlock := books.unlock(30))
    hold = books.ledger.hold(books.unlock(20))
    euros = books.ledger.open_account(fresh("euros"), "cash", "EUR")
    before = snapshot(books)
    statement = ATTACKS[attack].format(
        viewer=books.viewer.id,
        creator=books.creator.id,
        euros=euros.id,
        transfer=receipt.transfer_id,
        hold=hold.transfer_id,
        key=fresh("attack"),
        used=unlock.key,
    )
    with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement)
    assert snapshot(books) == before


@pytest.mark.parametrize(("amount", "repeat", "outcome"), [(5000, False, "insufficient"), (5, True, "key_reused")])
def test_the_door_answers_what_it_refuses_and_writes_nothing(amount: int, repeat: bool, outcome: str) -> None:
    books = Books.open(100)
    books.ledger.post(unlock := books.unlock(30))
    before = snapshot(books)
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO ledger_posting (key, accounts, amounts) VALUES (%s, %s, %s) RETURNING outcome",
            [unlock.key if repeat else fresh("k"), [books.viewer.id, books.creator.id], [-amount, amount]],
        )
        assert cursor.fetchone() == (outcome,)
    assert snapshot(books) == before


def test_what_a_caller_writes_into_the_answer_is_no_answer() -> None:
    books = Books.open(100)
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO ledger_posting (key, accounts, amounts, outcome, transfer_id, available) VALUES (%s, %s, %s, 'posted', 7, 7)"
            " RETURNING outcome, transfer_id, account_id, needed, available",
            [fresh("k"), [books.viewer.id, books.creator.id], [-500, 500]],
        )
        assert cursor.fetchone() == ("insufficient", None, books.viewer.id, 500, 100)


@pytest.mark.parametrize(("amount", "repeat", "outcome"), [(5000, False, "insufficient"), (5, True, "key_reused")])
def test_the_door_for_payments_answers_what_it_refuses_and_writes_nothing(
    amount: int, repeat: bool, outcome: str
) -> None:
    books = Books.open(100)
    books.ledger.post(unlock := books.unlock(30))
    before = snapshot(books)
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO ledger_payment (key, payer, payee, amount) VALUES (%s, %s, %s, %s) RETURNING outcome, available",
            [unlock.key if repeat else fresh("k"), books.viewer.id, books.creator.id, amount],
        )
        assert cursor.fetchone() == (outcome, 70 if outcome == "insufficient" else None)
    assert snapshot(books) == before


@pytest.mark.parametrize("moment", ["9999-12-31 23:59-05", "1899-12-31Z", "infinity"])
def test_a_batch_calls_a_moment_that_could_not_be_read_again_malformed(moment: str) -> None:
    books = Books.open(100)
    before = snapshot(books)
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO ledger_batch (keys, links, metadata, effective_at, numbers, accounts, amounts)"
            " VALUES (ARRAY[%s], '{NULL}', ARRAY['{}'::jsonb], ARRAY[%s::timestamptz], '{1,1}', %s, '{-5,5}') RETURNING outcomes",
            [fresh("far"), moment, [books.viewer.id, books.creator.id]],
        )
        assert cursor.fetchone() == (["malformed"],)
    assert snapshot(books) == before


def snapshot(books: Books) -> list[object]:
    accounts = (books.viewer, books.creator, books.platform, books.source)
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM ledger_transfer")
        count = cursor.fetchone()
    return [count, *(books.ledger.balance(account) for account in accounts)]


def test_a_temporary_table_cannot_stand_in_for_one_of_ours() -> None:
    books = Books.open(100)
    with connection.cursor() as cursor:
        cursor.execute("CREATE TEMPORARY TABLE ledger_account (LIKE ledger_account INCLUDING ALL) ON COMMIT DROP")
        cursor.execute("CREATE TEMPORARY TABLE ledger_journal (LIKE ledger_journal) ON COMMIT DROP")
    books.ledger.post(books.unlock(30))
    with connection.cursor() as cursor:
        cursor.execute("DROP TABLE pg_temp.ledger_account, pg_temp.ledger_journal")
    assert books.posted(books.viewer) == 70


def test_django_refuses_to_write_as_well() -> None:
    account = models.Account(owner="x")
    with pytest.raises(TypeError, match="read-only"):
        account.save()
    with pytest.raises(TypeError, match="never deleted"):
        account.delete()

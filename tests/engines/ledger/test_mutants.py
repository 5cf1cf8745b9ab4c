"""Each planted mistake in the SQL is caught by the invariant that names it."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest

from mutoscope.engines.ledger import Ledger
from mutoscope.engines.ledger.installation import install_sql
from mutoscope.engines.postgres.embedded import EmbeddedServer
from tests.engines.ledger import invariants
from tests.engines.ledger.books import Books
from tests.engines.ledger.own import ALIAS, own_ledger

# What is planted (the text to find, what takes its place) and who must notice.
MUTANTS: dict[str, tuple[str, str, Callable[[Books], bool]]] = {
    "the CHECK on balances is gone, and nobody looks": (
        "CHECK (VALUE >= 0)",
        "CHECK (true)",
        invariants.the_database_refuses_an_overdraft_that_a_door_overlooks,
    ),
    "the door does not look at what there is": (
        "short := free + p_amount < 0;",
        "short := false;",
        invariants.the_door_refuses_an_overdraft_politely,
    ),
    "the door's sign is flipped": (
        "short := free + p_amount < 0;",
        "short := free + p_amount >= 0;",
        invariants.a_covered_transfer_posts,
    ),
    "a second amount goes nowhere": (
        " (NEW.payee_2 IS NULL) <> (NEW.amount_2 IS NULL) OR",
        "",
        invariants.a_payment_has_an_amount_for_each_payee,
    ),
    "amounts may be below zero": (
        " OR NEW.amount <= 0 OR",
        " OR",
        invariants.a_payment_has_amounts_above_zero,
    ),
    "second amounts may be below zero": (
        " OR NEW.amount_2 <= 0",
        "",
        invariants.a_payment_has_amounts_above_zero,
    ),
    "nobody may be paid": (
        "(NEW.payee IS NULL OR ",
        "(",
        invariants.a_payment_has_a_payee,
    ),
    "who pays may be paid": (
        "a.id = NEW.payee OR a.id = NEW.payee_2 OR",
        "a.id = NEW.payee_2 OR",
        invariants.a_payment_names_each_account_once,
    ),
    "who pays may be paid in the second place": (
        "a.id = NEW.payee OR a.id = NEW.payee_2 OR",
        "a.id = NEW.payee OR",
        invariants.a_payment_names_each_account_once,
    ),
    "a payment's credit in another currency is not noticed": (
        "CASE WHEN s.currency = EXCLUDED.currency THEN",
        "CASE WHEN true THEN",
        invariants.the_database_refuses_mixed_currencies_where_money_came_in_before,
    ),
    "the second payee has no entry": (
        "SELECT j.payee_2, j.id, j.amount_2 FROM",
        "SELECT j.payee, j.id, 0::bigint FROM",
        invariants.a_payment_is_everybodys_entry,
    ),
    "the payer's entry lacks the second amount": (
        "-(j.amount + coalesce(j.amount_2, 0)) AS amount",
        "-j.amount AS amount",
        invariants.a_payment_is_everybodys_entry,
    ),
    "legs are shown out of order, the payer first": (
        "WHEN j.payer < p.low THEN ARRAY[j.payer, p.low, p.high]",
        "WHEN false THEN ARRAY[j.payer, p.low, p.high]",
        invariants.a_repeated_request_posts_once,
    ),
    "legs are shown out of order, the payer between": (
        "WHEN j.payer < p.high THEN ARRAY[p.low, j.payer, p.high]",
        "WHEN false THEN ARRAY[p.low, j.payer, p.high]",
        invariants.a_payment_is_everybodys_entry,
    ),
    "legs are shown out of order, the payer last": (
        "ELSE ARRAY[p.low, p.high, j.payer]",
        "ELSE ARRAY[j.payer, p.low, p.high]",
        invariants.a_payment_is_everybodys_entry,
    ),
    "two who pay are kept as one": (
        "= 1 AS is_payment",
        ">= 1 AS is_payment",
        invariants.two_may_pay_in_one_transfer,
    ),
    "what is no payment has no entries": (
        "ELSIF NOT v_payment THEN",
        "ELSIF false THEN",
        invariants.two_may_pay_in_one_transfer,
    ),
    "the first of two who pay is not paid back": (
        "PERFORM ledger_put_back(p.accounts[:i - 1], p.amounts[:i - 1], v_hold);",
        "",
        invariants.two_may_pay_in_one_transfer,
    ),
    "legs may come in any order": (
        "IF (p.accounts[i] > coalesce(p.accounts[i - 1], 0)) IS NOT TRUE THEN",
        "IF false THEN",
        invariants.the_database_refuses_legs_out_of_order,
    ),
    "legs may be counted from anywhere": (
        "AND array_ndims(p.amounts) = 1 AND array_lower(p.amounts, 1) = 1 END",
        "END",
        invariants.legs_are_counted_from_one,
    ),
    "snapshots may be invented": (
        "CREATE OR REPLACE TRIGGER ledger_snapshot_by_doors BEFORE INSERT",
        "CREATE OR REPLACE TRIGGER ledger_snapshot_by_doors BEFORE DELETE",
        invariants.snapshots_follow_transfers_only,
    ),
    "who is short pays after all": (
        "IF v_taken.unlimited OR v_taken.short THEN",
        "IF v_taken.unlimited THEN",
        invariants.the_door_refuses_an_overdraft_politely,
    ),
    "an account without a limit pays nothing": (
        "IF v_taken.unlimited OR v_taken.short THEN",
        "IF v_taken.short THEN",
        invariants.sub_balances_are_spent_once,
    ),
    "currencies are not compared": (
        "HAVING a.currency IS NULL OR sum(n.amount) <> 0 OR",
        "HAVING a.currency IS NULL OR",
        invariants.the_database_refuses_mixed_currencies_where_money_came_in_before,
    ),
    "a credit in another currency is not noticed": (
        "AND a.currency = NEW.currency;",
        ";",
        invariants.the_database_refuses_mixed_currencies,
    ),
    "entries may be deleted": (
        "CREATE OR REPLACE TRIGGER ledger_entry_append_only BEFORE UPDATE OR DELETE OR TRUNCATE",
        "CREATE OR REPLACE TRIGGER ledger_entry_append_only BEFORE UPDATE OR TRUNCATE",
        invariants.history_is_append_only,
    ),
    "transfers may be changed": (
        "CREATE OR REPLACE TRIGGER ledger_transfer_append_only BEFORE UPDATE OR DELETE OR TRUNCATE",
        "CREATE OR REPLACE TRIGGER ledger_transfer_append_only BEFORE DELETE OR TRUNCATE",
        invariants.history_is_append_only,
    ),
    "balances may be set by hand": (
        "IF pg_trigger_depth() > 1 THEN",
        "IF true THEN",
        invariants.balances_follow_transfers_only,
    ),
    "sub-balances may be invented": (
        "CREATE OR REPLACE TRIGGER ledger_sub_balance_new_by_doors AFTER INSERT ON ledger_sub_balance",
        "CREATE OR REPLACE TRIGGER ledger_sub_balance_new_by_doors AFTER DELETE ON ledger_sub_balance",
        invariants.sub_balances_follow_transfers_only,
    ),
    "content is not compared": ("t.amounts = p_amounts AND", "true AND", invariants.a_changed_request_is_refused),
    "the key is dropped": (
        "    CONSTRAINT ledger_journal_key_once UNIQUE (key)\n",
        "    CONSTRAINT ledger_journal_key_once UNIQUE (key, id)\n",
        invariants.a_repeated_request_posts_once,
    ),
    "a repeat keeps what it took": (
        "UPDATE ledger_account a SET available = a.available + (p.amount + coalesce(p.amount_2, 0)) WHERE a.id = p.payer;",
        "",
        invariants.a_repeated_request_posts_once,
    ),
    "a repeat is judged by today's balance": (
        "            p := ledger_known(p);\n            IF p.outcome IS NULL THEN\n                p.outcome := 'insufficient';",
        "            IF true THEN\n                p.outcome := 'insufficient';",
        invariants.a_repeat_is_found_when_the_money_is_gone,
    ),
    "a released hold is held again": (
        "SET held = a.held + n.amount, available =",
        "SET held = a.held - n.amount, available =",
        invariants.holds_release_what_they_held,
    ),
    "a hold holds nothing": (
        "SET available = free + p_amount, gathered",
        "SET available = CASE WHEN p_hold THEN free ELSE free + p_amount END, gathered",
        invariants.a_hold_is_set_aside,
    ),
    "a post may exceed its hold": (
        "OR abs(mine.amount) > abs(plan.amount)",
        "",
        invariants.a_post_stays_within_its_hold,
    ),
    "a reversal need not mirror": ("WHERE mine <> -theirs", "WHERE false", invariants.a_reversal_mirrors),
    "a batch looks at each transfer alone": (
        "+ sum(least(amount, 0)) OVER (PARTITION BY account ORDER BY number)",
        "+ least(amount, 0)",
        invariants.a_batch_never_overdraws,
    ),
    "links are ignored": (
        "bool_and(verdict IS NULL) OVER (PARTITION BY link)",
        "verdict IS NULL",
        invariants.links_post_all_or_none,
    ),
    "what came in is gathered twice": (
        "SET available = free + p_amount, gathered = v_gathered,",
        "SET available = free + p_amount,",
        invariants.sub_balances_are_spent_once,
    ),
    "a batch gathers twice": (
        "SET available = a.available + (s.balance - a.gathered), gathered = s.balance",
        "SET available = a.available + (s.balance - a.gathered)",
        invariants.a_batch_gathers_once,
    ),
    "a batch's debits are not written": (
        "FROM (SELECT account, sum(amount)::bigint AS amount FROM moved WHERE own_row GROUP BY account) m",
        "FROM (SELECT account, sum(amount)::bigint AS amount FROM moved WHERE own_row AND amount > 0 GROUP BY account) m",
        invariants.a_batch_gathers_once,
    ),
    "the debited account is not locked": (
        "WHERE a.id = p_account FOR NO KEY UPDATE;",
        "WHERE a.id = p_account; PERFORM pg_sleep(0.05);",
        invariants.simultaneous_debits_wait_for_each_other,
    ),
    "a slot is everybody's": (
        "IF NOT pg_try_advisory_xact_lock(1279607879, v_slot) THEN",
        "v_slot := 0; IF false THEN",
        invariants.a_credit_waits_for_nothing,
    ),
    "snapshots count twice": (
        "WHERE e.transfer_id > v_snapped AND",
        "WHERE",
        invariants.snapshots_agree_over_two_seals,
    ),
    "a seal begins one too late": (
        "WHERE t.id > coalesce(v_last.through_id, 0) AND t.id <= v_through;",
        "WHERE t.id > coalesce(v_last.through_id + 1, 0) AND t.id <= v_through;",
        invariants.the_chain_covers_every_transfer,
    ),
    "expiry is not looked at": (
        "ELSE coalesce(v_expires_at > statement_timestamp(), true) AND",
        "ELSE true AND",
        invariants.an_expired_hold_cannot_be_posted,
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

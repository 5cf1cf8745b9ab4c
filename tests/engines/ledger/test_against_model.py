"""The SQL and the plain-Python model agree, step by step."""

from __future__ import annotations

import random
import threading
from collections.abc import Iterator
from datetime import timedelta

import pytest
from django.db import connections, transaction
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from mutoscope.engines.ledger import Ledger, Receipt, Transfer, credit, debit
from mutoscope.engines.ledger.sealing import seal
from mutoscope.engines.ledger.verification import verify
from mutoscope.engines.services import Failure
from tests.engines.ledger.books import fresh
from tests.engines.ledger.model import Model, legs_of
from tests.engines.ledger.own import ALIAS, own  # noqa: F401 - a fixture

LIMITED = 5


def open_accounts(ledger: Ledger) -> tuple[list[int], set[int]]:
    """Five accounts that may not go below zero and one that may."""
    name = fresh("model")
    limited = [ledger.open_account(name, f"limited {number}", "PTS").id for number in range(LIMITED)]
    source = ledger.open_account(name, "source", "PTS", may_go_negative=True).id
    return [*limited, source], {source}


def word_of(result: Receipt | Failure) -> str:
    if isinstance(result, Failure):
        return "refused"
    return "repeated" if result.repeated else "posted"


class LedgerMachine(RuleBasedStateMachine):
    """Every public way to move money, in any order."""

    def __init__(self) -> None:
        super().__init__()
        self.ledger = Ledger()
        accounts, unlimited = open_accounts(self.ledger)
        self.accounts = accounts
        self.model = Model(unlimited)
        self.holds: list[tuple[int, Transfer]] = []
        self.posted: list[tuple[int, Transfer]] = []
        self.run = fresh("run")

    @initialize()
    def fund(self) -> None:
        for account in self.accounts[:LIMITED]:
            self.post(self.transfer(self.accounts[LIMITED], account, 40, f"fund {account}"))

    def transfer(self, source: int, target: int, amount: int, key: str) -> Transfer:
        return Transfer(f"{self.run}:{key}", (debit(source, amount), credit(target, amount)))

    def post(self, transfer: Transfer) -> None:
        try:
            result: Receipt | Failure = self.ledger.post(transfer)
        except Failure as failure:
            result = failure
        expected = self.model.post(transfer)
        assert word_of(result) == expected
        if expected == "posted" and isinstance(result, Receipt):
            self.posted.append((result.transfer_id, transfer))

    @rule(pair=st.permutations(range(LIMITED + 1)), amount=st.integers(1, 60), key=st.integers(0, 40))
    def one(self, pair: list[int], amount: int, key: int) -> None:
        self.post(self.transfer(self.accounts[pair[0]], self.accounts[pair[1]], amount, str(key)))

    @rule(
        order=st.permutations(range(LIMITED + 1)),
        payers=st.integers(1, 3),
        amounts=st.lists(st.integers(1, 25), min_size=1, max_size=3),
        key=st.integers(0, 20),
    )
    def several(self, order: list[int], payers: int, amounts: list[int], key: int) -> None:
        """Up to three pay up to three others. Of one payer and two others the ledger makes a payment, of more it does not."""
        paid = [credit(self.accounts[number], amount) for number, amount in zip(order, amounts, strict=False)]
        total = sum(amounts)
        payers = min(payers, total)
        shares = [total - (payers - 1), *[1] * (payers - 1)]
        rest = order[len(amounts) :]
        taken = [debit(self.accounts[number], share) for number, share in zip(rest, shares, strict=False)]
        self.post(Transfer(f"{self.run}:s{key}", (*paid, *taken)))

    @rule(
        moves=st.lists(
            st.tuples(st.permutations(range(LIMITED + 1)), st.integers(1, 30), st.integers(0, 200)), max_size=6
        ),
        linked=st.booleans(),
    )
    def many(self, moves: list[tuple[list[int], int, int]], linked: bool) -> None:
        batch = [self.transfer(self.accounts[p[0]], self.accounts[p[1]], a, f"b{k}") for p, a, k in moves]
        asked: list[Transfer | tuple[Transfer, ...]] = [tuple(batch)] if linked and batch else list(batch)
        assert [word_of(result) for result in self.ledger.post_each(asked)] == self.model.post_each(asked)

    @rule(pair=st.permutations(range(LIMITED + 1)), amount=st.integers(1, 60), key=st.integers(0, 40))
    def hold(self, pair: list[int], amount: int, key: int) -> None:
        hold = self.transfer(self.accounts[pair[0]], self.accounts[pair[1]], amount, f"h{key}")
        try:
            result: Receipt | Failure = self.ledger.hold(hold, lasts=timedelta(days=1))
        except Failure as failure:
            result = failure
        expected = self.model.post(hold, "hold")
        assert word_of(result) == expected
        if expected == "posted" and isinstance(result, Receipt):
            self.holds.append((result.transfer_id, hold))

    @rule(index=st.integers(0, 50), part=st.integers(0, 60))
    def end_a_hold(self, index: int, part: int) -> None:
        if not self.holds:
            return
        number, hold = self.holds.pop(index % len(self.holds))
        (payer, taken), (payee, _) = sorted(legs_of(hold), key=lambda leg: leg[1])
        part = min(part, -taken)
        if part:
            self.ledger.post_hold(number, f"{self.run}:end{number}", (debit(payer, part), credit(payee, part)))
            self.model.apply(((payer, -part), (payee, part)))
        else:
            self.ledger.void_hold(number, f"{self.run}:end{number}")
        self.model.held[payer] += taken

    @rule(index=st.integers(0, 50))
    def reverse(self, index: int) -> None:
        if not self.posted:
            return
        number, transfer = self.posted[index % len(self.posted)]
        opposite = tuple((account, -amount) for account, amount in legs_of(transfer))
        key = f"{self.run}:reverse{number}"
        possible = key in self.model.keys or not any(a < 0 and self.model.lacks(i, a) for i, a in opposite)
        try:
            receipt = self.ledger.reverse(number, key)
        except Failure:
            assert not possible
            return
        assert possible
        assert receipt.repeated == (key in self.model.keys)
        if not receipt.repeated:
            self.model.keys[key] = ("reversal", opposite)
            self.model.apply(opposite)

    @invariant()
    def balances_agree(self) -> None:
        for account in self.accounts:
            now = self.ledger.balance(account)
            assert (now.posted, now.held) == (self.model.balance.get(account, 0), self.model.held.get(account, 0))


@pytest.mark.django_db
def test_any_order_of_operations_agrees_with_the_model() -> None:
    chosen = settings(
        max_examples=30, stateful_step_count=40, deadline=None, suppress_health_check=list(HealthCheck), database=None
    )
    run_state_machine_as_test(LedgerMachine, settings=chosen)


def random_batches(
    accounts: list[int], steps: int, size: int, seed: int
) -> Iterator[list[Transfer | tuple[Transfer, ...]]]:
    """Batches of transfers between random accounts: some repeat a key, or a whole transfer of the batch, some linked, many cannot be paid."""
    chance = random.Random(seed)
    run, number = fresh("steps"), 0
    while number < steps:
        batch: list[Transfer | tuple[Transfer, ...]] = []
        named: list[Transfer] = []
        while len(batch) < size and number < steps:
            made = []
            for _ in range(chance.choice((1, 1, 1, 1, 2, 3))):
                source, target = chance.sample(accounts, 2)
                amount = chance.randint(1, 40)
                key = f"{run}:{chance.randrange(number + 1) if chance.random() < 0.02 else number}"
                made.append(Transfer(key, (debit(source, amount), credit(target, amount))))
                number += 1
            if named and chance.random() < 0.02:
                made.append(chance.choice(named))
            named += made
            batch.append(tuple(made) if len(made) > 1 else made[0])
        yield batch


def agree_over(steps: int, seed: int) -> None:
    ledger = Ledger(ALIAS)
    accounts, unlimited = open_accounts(ledger)
    model = Model(unlimited)
    for batch in random_batches(accounts, steps, 100, seed):
        assert [word_of(result) for result in ledger.post_each(batch)] == model.post_each(batch)
    for account in accounts:
        assert ledger.balance(account).posted == model.balance.get(account, 0)
    seal(ALIAS)
    report = verify(ALIAS)
    assert report.is_sound(), report.as_dict()


def test_a_hundred_thousand_steps_agree_with_the_model(own: str) -> None:  # noqa: F811
    agree_over(100_000, seed=1)


@pytest.mark.crash
@pytest.mark.parametrize("seed", range(2, 12))
def test_ten_million_steps_agree_with_the_model_a_million_in_each_ledger(own: str, seed: int) -> None:  # noqa: F811
    agree_over(1_000_000, seed)


def test_eight_sessions_post_at_once_while_a_checker_reads_consistent_snapshots(own: str) -> None:  # noqa: F811
    ledger = Ledger(ALIAS)
    accounts, unlimited = open_accounts(ledger)
    source = unlimited.copy().pop()
    for account in accounts[:LIMITED]:
        ledger.post(Transfer(fresh("fund"), (debit(source, 500), credit(account, 500))))
    errors: list[BaseException] = []
    done = threading.Event()

    def work(seed: int) -> None:
        chance = random.Random(seed)
        try:
            for number in range(150):
                payer, payee = chance.sample(accounts, 2)
                amount = chance.randint(1, 50)
                move = Transfer(f"w{seed}:{number}", (debit(payer, amount), credit(payee, amount)))
                try:
                    if chance.random() < 0.2:
                        hold = ledger.hold(move)
                        end = ledger.post_hold if chance.random() < 0.5 else ledger.void_hold
                        end(hold.transfer_id, f"{move.key}:end")
                    else:
                        ledger.post(move)
                except Failure:
                    pass
        except BaseException as error:
            errors.append(error)
        finally:
            connections[ALIAS].close()

    def check() -> None:
        try:
            while not done.is_set():
                with transaction.atomic(using=ALIAS), connections[ALIAS].cursor() as cursor:
                    cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
                    cursor.execute(
                        "SELECT (SELECT sum(available + held - gathered) FROM ledger_account), (SELECT coalesce(sum(balance), 0) FROM ledger_sub_balance),"
                        " (SELECT sum(amount) FROM ledger_entry)"
                    )
                    own_rows, sub_balances, entries = cursor.fetchone()
                    assert (own_rows + sub_balances, entries) == (0, 0)
        except BaseException as error:
            errors.append(error)
        finally:
            connections[ALIAS].close()

    threads = [threading.Thread(target=work, args=(seed,)) for seed in range(8)]
    checker = threading.Thread(target=check)
    for thread in (*threads, checker):
        thread.start()
    for thread in threads:
        thread.join()
    done.set()
    checker.join()
    assert errors == []
    report = verify(ALIAS)
    assert report.is_sound(), report.as_dict()

"""Two open sessions, interleaved in every order, agree with the plain-Python model.

One thread drives both, so nothing depends on timing: a step that must wait for the other session is told so by `lock_timeout`, and the
model says beforehand which steps those are.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import psycopg
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test

from mutoscope.engines.ledger import Ledger
from mutoscope.engines.ledger.verification import verify
from tests.engines.ledger.books import fresh
from tests.engines.ledger.own import ALIAS, own  # noqa: F401 - a fixture

LIMITED = 3
START = 40
INSERT = "INSERT INTO ledger_posting (key, accounts, amounts) VALUES (%s, %s, %s) RETURNING outcome"
PAY = "INSERT INTO ledger_payment (key, payer, payee, amount) VALUES (%s, %s, %s, %s) RETURNING outcome"
BALANCE = (
    "SELECT a.available + a.held - a.gathered + coalesce((SELECT sum(balance) FROM ledger_sub_balance s"
    " WHERE s.account_id = a.id), 0) FROM ledger_account a WHERE id = %s"
)
Content = tuple[int, int, int]


@dataclass
class Session:
    """An open connection, and what the model says of its transaction: what it posted and what it has locked."""

    connection: psycopg.Connection
    posted: dict[str, Content] = field(default_factory=dict)
    locked: set[int] = field(default_factory=set)


class TwoSessions(RuleBasedStateMachine):
    """Post or pay, commit and roll back in two sessions. Account LIMITED may go below zero."""

    url = ""
    steps = 0

    def __init__(self) -> None:
        super().__init__()
        self.run = fresh("two")
        ledger = Ledger(ALIAS)
        self.accounts = [ledger.open_account(self.run, f"a{n}", "PTS").id for n in range(LIMITED)]
        self.accounts.append(ledger.open_account(self.run, "source", "PTS", may_go_negative=True).id)
        self.sessions = [Session(psycopg.connect(self.url)) for _ in range(2)]
        self.committed: dict[str, Content] = {}
        for session in self.sessions:
            session.connection.execute("SET lock_timeout = '30ms'")
            session.connection.commit()
        for target in range(LIMITED):
            self.step(0, LIMITED, target, START, 1000 + target)
        self.commit(0)

    def balance(self, account: int, session: Session | None = None) -> int:
        """What the model thinks an account holds, for everybody or as one session sees it."""
        seen = {**self.committed, **(session.posted if session else {})}
        came = sum(amount for _, target, amount in seen.values() if target == account)
        return came - sum(amount for source, _, amount in seen.values() if source == account)

    def expected(self, index: int, content: Content, key: str) -> str:
        mine, other = self.sessions[index], self.sessions[1 - index]
        source, _, amount = content
        seen = {**self.committed, **mine.posted}
        if source != LIMITED:
            if source in other.locked:
                return "waits"
            if self.balance(source, mine) < amount:
                mine.locked.add(source)
                if key not in seen:
                    return "insufficient"
                return "repeated" if seen[key] == content else "key_reused"
        if key in other.posted and key not in seen:
            return "waits"
        if source != LIMITED:
            mine.locked.add(source)
        if key in seen:
            return "repeated" if seen[key] == content else "key_reused"
        mine.posted[key] = content
        return "posted"

    def step(self, index: int, source: int, target: int, amount: int, number: int, *, pays: bool = False) -> None:
        type(self).steps += 1
        key = f"{self.run}:{number}"
        expected = self.expected(index, (source, target, amount), key)
        legs = sorted(((self.accounts[source], -amount), (self.accounts[target], amount)))
        connection = self.sessions[index].connection
        try:
            with connection.transaction():
                if pays:
                    row = connection.execute(
                        PAY, (key, self.accounts[source], self.accounts[target], amount)
                    ).fetchone()
                else:
                    asked = (key, [leg[0] for leg in legs], [leg[1] for leg in legs])
                    row = connection.execute(INSERT, asked).fetchone()
                assert row is not None
                found = row[0]
        except psycopg.errors.LockNotAvailable:
            found = "waits"
        assert found == expected

    @rule(
        index=st.integers(0, 1),
        pair=st.permutations(range(LIMITED + 1)),
        amount=st.integers(1, 30),
        number=st.integers(0, 25),
        pays=st.booleans(),
    )
    def post(self, index: int, pair: list[int], amount: int, number: int, pays: bool) -> None:
        """By either door: what came through one is known to the other."""
        self.step(index, pair[0], pair[1], amount, number, pays=pays)

    @rule(index=st.integers(0, 1))
    def commit(self, index: int) -> None:
        session = self.sessions[index]
        session.connection.commit()
        self.committed.update(session.posted)
        session.posted, session.locked = {}, set()

    @precondition(lambda self: any(session.posted for session in self.sessions))
    @rule(index=st.integers(0, 1))
    def roll_back(self, index: int) -> None:
        session = self.sessions[index]
        session.connection.rollback()
        session.posted, session.locked = {}, set()

    @invariant()
    def each_session_sees_its_own_and_what_is_committed(self) -> None:
        for session in self.sessions:
            for number, account in enumerate(self.accounts):
                row = session.connection.execute(BALANCE, (account,)).fetchone()
                assert row is not None
                assert row[0] == self.balance(number, session)

    def teardown(self) -> None:
        for session in self.sessions:
            session.connection.close()


def run_machine(url: str, examples: int, steps: int) -> None:
    TwoSessions.url = url
    chosen = settings(
        max_examples=examples,
        stateful_step_count=steps,
        deadline=None,
        suppress_health_check=list(HealthCheck),
        database=None,
    )
    run_state_machine_as_test(TwoSessions, settings=chosen)
    report = verify(ALIAS)
    assert report.is_sound(), report.as_dict()


def test_two_interleaved_sessions_agree_with_the_model(own: str) -> None:  # noqa: F811
    run_machine(own, examples=10, steps=30)


@pytest.mark.crash
@pytest.mark.parametrize("part", range(10))
def test_two_interleaved_sessions_agree_with_the_model_for_long(own: str, part: int) -> None:  # noqa: F811
    """In pieces that can be run one by one. Each is another one: nothing here is derandomised."""
    run_machine(own, examples=200, steps=60)

"""Whatever breaks between signing and finality, money moves once: restarts, lost answers, rollbacks, lying and silent nodes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.db import DatabaseError, connection, transaction
from solders.keypair import Keypair

from mutoscope.engines.solana.chain import LAMPORTS_PER_SOL
from mutoscope.engines.solana.signer import dispatch
from mutoscope.engines.solana.signer.chain import ChainUnavailable
from mutoscope.engines.solana.signer.models import SignerAttempt, SignerJob, SignerLeg
from mutoscope.engines.solana.signer.process import WrongCluster
from mutoscope.engines.solana.signer.requests import request_payout
from tests.engines.solana.signer.house import House, Node, attempts, history, key

CREATOR = str(Keypair.from_seed(b"a creator who is to be paid once").pubkey())
AMOUNT = 3_000_000


class Killed(BaseException):
    """Stands for kill -9 in this process; the real one is in test_kills.py."""


@pytest.fixture
def payout(house: House) -> SignerJob:
    house.chain.airdrop(key(house.payout), LAMPORTS_PER_SOL)
    house.chain.finalize()
    return request_payout("payout-1", destination=CREATOR, amount=AMOUNT)


def restart(house: House) -> None:
    house.signer.close()
    house.signer = house.new_signer()


def kill_at(monkeypatch: pytest.MonkeyPatch, house: House, name: str) -> None:
    """Turn once, and die when that function of the dispatcher is called; then restart."""

    def die(*_: Any, **__: Any) -> None:
        raise Killed

    with monkeypatch.context() as patched:
        patched.setattr(dispatch, name, die)
        with pytest.raises(Killed):
            house.signer.tick()
    restart(house)


def test_killed_before_it_is_written_down_it_is_signed_anew(
    house: House, payout: SignerJob, monkeypatch: pytest.MonkeyPatch
) -> None:
    kill_at(monkeypatch, house, "record")
    assert SignerAttempt.objects.count() == 0
    house.settle(payout)
    assert house.lamports(CREATOR) == AMOUNT
    assert payout.attempts == 1


def test_killed_between_writing_down_and_broadcasting_the_same_transaction_is_broadcast(
    house: House, payout: SignerJob, monkeypatch: pytest.MonkeyPatch
) -> None:
    kill_at(monkeypatch, house, "broadcast")
    house.refresh(payout)
    assert payout.state == "signed"
    assert house.lamports(CREATOR) == 0
    house.settle(payout)
    assert (house.lamports(CREATOR), payout.attempts) == (AMOUNT, 1)


def test_killed_after_broadcasting_nothing_is_sent_again(
    house: House, payout: SignerJob, monkeypatch: pytest.MonkeyPatch
) -> None:
    send = house.signer.chains[0].send

    def send_and_die(wire: bytes) -> None:
        send(wire)
        raise Killed

    with monkeypatch.context() as patched:
        patched.setattr(house.signer.chains[0], "send", send_and_die)
        with pytest.raises(Killed):
            house.signer.tick()
    assert house.lamports(CREATOR) == AMOUNT
    restart(house)
    house.settle(payout)
    assert (house.lamports(CREATOR), attempts(payout)) == (AMOUNT, ["settled"])


def test_a_time_out_after_the_node_took_it_is_not_a_failure(house: House, payout: SignerJob) -> None:
    house.node.broken_for("sendTransaction", after=True)
    house.settle(payout)
    assert (payout.state, house.lamports(CREATOR), attempts(payout)) == ("settled", AMOUNT, ["settled"])


def test_a_time_out_before_the_node_took_it_ends_in_the_same_transaction_sent_again(
    house: House, payout: SignerJob
) -> None:
    house.node.broken_for("sendTransaction", times=2)
    house.settle(payout)
    assert (payout.state, house.lamports(CREATOR), attempts(payout)) == ("settled", AMOUNT, ["settled"])
    assert house.node.calls.count("sendTransaction") == 3


def test_a_rolled_back_slot_brings_the_same_transaction_again(house: House, payout: SignerJob) -> None:
    house.signer.tick()
    house.chain.advance(house.chain.bank.pace.confirmed_after + 1)
    house.signer.tick()
    house.refresh(payout)
    assert payout.state == "confirmed"
    house.chain.roll_back()
    assert house.lamports(CREATOR) == 0
    house.signer.tick()
    house.refresh(payout)
    assert payout.state in ("sent", "expired"), "confirmed was not the end"
    house.settle(payout)
    assert (payout.state, house.lamports(CREATOR)) == ("settled", AMOUNT)
    assert attempts(payout).count("settled") == 1


def test_what_never_landed_is_signed_anew_only_when_it_is_dead_at_finality(house: House, payout: SignerJob) -> None:
    house.node.broken_for("sendTransaction")
    house.signer.tick()
    (first,) = SignerAttempt.objects.all()
    # The last block that can hold it is there, and is not final.
    height = house.chain.bank.head().height
    house.chain.advance(first.last_valid_block_height - height + 1)
    house.hurry()
    house.signer.tick()
    house.refresh(payout)
    assert (payout.state, SignerAttempt.objects.count()) == ("sent", 1)
    house.chain.finalize()
    house.node.mend()
    house.settle(payout)
    assert attempts(payout) == ["expired", "settled"]
    assert "expired" in history(payout)
    assert house.lamports(CREATOR) == AMOUNT


def test_a_node_that_hides_a_landed_transaction_is_not_believed_against_another(
    open_house: Callable[..., House],
) -> None:
    """The first node knows of nothing for ever: with a second one configured, nothing is paid twice."""
    house = open_house()
    house.chain.airdrop(key(house.payout), LAMPORTS_PER_SOL)
    house.chain.finalize()
    job = request_payout("payout-1", destination=CREATOR, amount=AMOUNT)
    house.nodes.append(Node(house.chain))
    restart(house)
    house.node.lies = lambda method, answer: (
        {"context": answer["context"], "value": [None] * len(answer["value"])}
        if method == "getSignatureStatuses"
        else answer
    )
    house.signer.tick()
    house.pass_window()
    for _ in range(3):
        house.hurry()
        house.signer.tick()
    house.refresh(job)
    assert job.state not in ("expired", "settled")
    assert SignerAttempt.objects.count() == 1
    house.node.mend()
    house.settle(job)
    assert house.lamports(CREATOR) == AMOUNT


def test_a_silent_second_node_delays_a_new_attempt_and_no_settlement(open_house: Callable[..., House]) -> None:
    house = open_house()
    house.chain.airdrop(key(house.payout), LAMPORTS_PER_SOL)
    house.chain.finalize()
    second = Node(house.chain)
    house.nodes.append(second)
    restart(house)
    house.node.broken_for("sendTransaction")
    job = request_payout("payout-1", destination=CREATOR, amount=AMOUNT)
    house.signer.tick()
    second.broken_for("getSignatureStatuses")
    house.pass_window()
    house.signer.tick()
    house.refresh(job)
    assert job.state == "sent", "declared dead without asking everybody"
    second.mend()
    house.node.mend()
    second.broken_for("getSignatureStatuses", times=0)
    house.settle(job)
    assert attempts(job) == ["expired", "settled"]


def test_a_stale_node_does_not_declare_anything_dead(house: House, payout: SignerJob) -> None:
    house.signer.tick()
    stale = house.chain.bank.head().number
    house.pass_window()
    house.node.lies = lambda method, answer: (
        {"context": {"slot": stale}, "value": [None] * len(answer["value"])}
        if method == "getSignatureStatuses"
        else answer
    )
    house.signer.tick()
    house.refresh(payout)
    assert payout.state == "sent"
    house.node.mend()
    house.settle(payout)
    assert (house.lamports(CREATOR), payout.attempts) == (AMOUNT, 1)


@pytest.mark.parametrize(
    "method",
    [
        "getMultipleAccounts",
        "simulateTransaction",
        "getLatestBlockhash",
        "getSignatureStatuses",
        "getEpochInfo",
        "getRecentPrioritizationFees",
    ],
)
def test_a_node_that_does_not_answer_is_waited_for(house: House, payout: SignerJob, method: str) -> None:
    house.node.broken_for(method, times=3)
    for _ in range(4):
        try:
            house.signer.tick()
        except ChainUnavailable:
            continue
    house.node.mend()
    house.settle(payout)
    assert (payout.state, house.lamports(CREATOR), payout.attempts) == ("settled", AMOUNT, 1)


@pytest.mark.parametrize("answer", [None, {}, [], "x", {"value": None}, {"context": {"slot": 1}, "value": []}])
def test_nonsense_for_an_answer_is_no_answer(house: House, payout: SignerJob, answer: Any) -> None:
    house.signer.tick()
    house.node.lies = lambda method, true: answer
    with pytest.raises(ChainUnavailable):
        house.signer.tick()
    house.node.mend()
    house.settle(payout)
    assert (house.lamports(CREATOR), payout.attempts) == (AMOUNT, 1)


def test_two_signers_at_once_pay_once(house: House, payout: SignerJob, monkeypatch: pytest.MonkeyPatch) -> None:
    """The second signs the same job while the first is about to write it down: the database lets one of them."""
    # A signer of its own, with a journal of its own, as on another machine.
    object.__setattr__(house.configuration, "state", house.folder / "other-state")
    other = house.new_signer()
    # mypy: not re-exported, and this test means the name as the dispatcher uses it.
    record = dispatch.record  # type: ignore[attr-defined]

    def record_second(*arguments: Any, **named: Any) -> int:
        with monkeypatch.context() as patched:
            patched.setattr(dispatch, "record", record)
            # A slot later, so that the two transactions differ.
            house.chain.advance(3)
            other.tick()
        return record(*arguments, **named)

    with monkeypatch.context() as patched:
        patched.setattr(dispatch, "record", record_second)
        house.signer.tick()
    house.settle(payout)
    assert (house.lamports(CREATOR), SignerAttempt.objects.count()) == (AMOUNT, 1)
    other.close()


def test_a_database_restored_to_before_the_payout_does_not_pay_again(house: House, payout: SignerJob) -> None:
    house.settle(payout)
    asked = {"destination": CREATOR, "amount": AMOUNT}
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        # What a restored backup looks like: nothing of it is there.
        tables = ("leg", "attempt", "event", "job")
        for table in tables:
            cursor.execute(f"ALTER TABLE solana_signer_{table} DISABLE TRIGGER USER")
        for table in tables:
            cursor.execute(f"DELETE FROM solana_signer_{table}")
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        for table in tables:
            cursor.execute(f"ALTER TABLE solana_signer_{table} ENABLE TRIGGER USER")
    again = request_payout("payout-1", **asked)  # type: ignore[arg-type]
    restart(house)
    house.settle(again)
    assert (again.state, again.signature) == ("settled", payout.signature)
    assert house.lamports(CREATOR) == AMOUNT


def test_the_wrong_cluster_is_refused(house: House) -> None:
    object.__setattr__(house.configuration, "genesis", "5eykt4UsFv8P8NJdTREpY1vzqKqZKvdpKuc147dw2N9d")
    restart(house)
    with pytest.raises(WrongCluster):
        house.signer.tick()


ATTACKS = [
    "UPDATE solana_signer_job SET amount = 1",
    "UPDATE solana_signer_job SET destination = receiver",
    "UPDATE solana_signer_job SET key = 'other'",
    "UPDATE solana_signer_job SET state = 'requested'",
    "UPDATE solana_signer_job SET state = 'voided'",
    "UPDATE solana_signer_job SET state = 'expired'",
    "UPDATE solana_signer_leg SET binding = false",
    "UPDATE solana_signer_leg SET amount = 1",
    "DELETE FROM solana_signer_job",
    "DELETE FROM solana_signer_leg",
    (
        "INSERT INTO solana_signer_leg (attempt_id, job_id, kind, mint, origin, destination, amount, binding, signed_at) "
        "SELECT attempt_id, job_id, kind, mint, origin, destination, amount, true, now() FROM solana_signer_leg"
    ),
    "UPDATE solana_sealed_seed SET next_index = 0 WHERE next_index > 0",
    "UPDATE solana_sealed_seed SET epoch = epoch + 1",
]


def test_the_database_itself_refuses_what_would_allow_a_second_time(house: House, payout: SignerJob) -> None:
    house.signer.tick()
    assert SignerLeg.objects.count() == 1
    for attack in ATTACKS:
        with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(attack)

"""An address's history is paged, as sure as was asked for, bounded, and rolled back with its slots."""

from __future__ import annotations

from solders.keypair import Keypair

from mutoscope.engines.solana.chain import Commitment, Pace, SandboxChain
from mutoscope.engines.solana.chain.bank import FORGET_EVERY
from tests.engines.solana.chain.payer import Payer, refusal, wire


def test_pages_are_newest_first_between_until_and_before() -> None:
    chain = SandboxChain()
    address = Keypair().pubkey()
    sent = [str(chain.airdrop(address, 1_000_000 + i)) for i in range(10)]
    chain.finalize()

    def page(**options: object) -> list[str]:
        return [line["signature"] for line in chain.call("getSignaturesForAddress", str(address), options)]

    assert page() == sent[::-1]
    assert page(limit=3) == sent[:6:-1]
    assert page(limit=3, before=sent[7]) == [sent[6], sent[5], sent[4]]
    assert page(until=sent[7]) == [sent[9], sent[8]]
    assert page(until=sent[2], before=sent[5]) == [sent[4], sent[3]]


def test_history_shows_only_what_is_as_sure_as_asked_for() -> None:
    chain = SandboxChain()
    address = Keypair().pubkey()
    signature = str(chain.airdrop(address, 1_000_000))

    def seen(commitment: str) -> list[str]:
        lines = chain.call("getSignaturesForAddress", str(address), {"commitment": commitment})
        return [line["confirmationStatus"] for line in lines]

    assert (seen("confirmed"), seen("finalized")) == ([], [])
    assert chain.call("getTransaction", signature, {"commitment": "confirmed"}) is None
    (status,) = chain.call("getSignatureStatuses", [signature])["value"]
    assert (status["confirmationStatus"], status["confirmations"]) == ("processed", 0)
    chain.advance(2)
    assert (seen("confirmed"), seen("finalized")) == (["confirmed"], [])
    (status,) = chain.call("getSignatureStatuses", [signature])["value"]
    assert (status["confirmationStatus"], status["confirmations"]) == ("confirmed", 2)
    chain.finalize()
    assert seen("finalized") == ["finalized"]
    (status,) = chain.call("getSignatureStatuses", [signature])["value"]
    assert (status["confirmationStatus"], status["confirmations"]) == ("finalized", None)
    error = refusal(chain, "getSignaturesForAddress", str(address), {"commitment": "processed"})
    assert "`commitment`" in error.message


def test_a_rollback_takes_slots_hashes_and_heights_along_and_numbers_are_not_used_again() -> None:
    chain = SandboxChain()
    payer, to = Payer(chain), Keypair().pubkey()
    chain.finalize()
    before = chain.bank.head()
    chain.advance(5)
    transaction = payer.transfer(to, 5_000_000)
    chain.call("sendTransaction", wire(transaction), {"encoding": "base64"})
    dropped = chain.bank.head()
    assert chain.roll_back(5) == 5
    head = chain.bank.head()
    assert (head.number, head.height) == (dropped.number + 1, before.height + 1)
    assert chain.balance(to) == 0
    # Its blockhash went with its slot: the very same transaction can never come back.
    error = refusal(chain, "sendTransaction", wire(transaction), {"encoding": "base64"})
    assert error.data["err"] == "BlockhashNotFound"
    assert "skipped" in refusal(chain, "getBlockTime", dropped.number).message


def test_a_rollback_stops_at_what_is_final() -> None:
    chain = SandboxChain()
    to = Keypair().pubkey()
    chain.airdrop(to, 5_000_000)
    chain.finalize()
    chain.roll_back()
    assert chain.balance(to, Commitment.FINALIZED) == 5_000_000
    assert chain.balance(to) == 5_000_000


def test_a_transaction_sent_again_after_a_rollback_pays_once() -> None:
    chain = SandboxChain()
    payer, to = Payer(chain), Keypair().pubkey()
    chain.finalize()
    transaction = payer.transfer(to, 5_000_000)
    chain.advance(3)
    chain.send(transaction)
    chain.roll_back(3)
    chain.send(transaction)
    assert chain.balance(to) == 5_000_000


def test_old_history_is_forgotten_and_balances_are_not() -> None:
    chain = SandboxChain(pace=Pace(history_max=50, finalized_after=1, confirmed_after=0))
    address = Keypair().pubkey()
    chain.airdrop(address, 890_880)
    for _ in range(FORGET_EVERY // 100 + 1):
        for _ in range(100):
            chain.airdrop(address, 1)
        chain.advance(2)
    assert chain.store.count() <= 150
    assert chain.balance(address) == 890_880 + FORGET_EVERY + 100
    assert len(chain.call("getSignaturesForAddress", str(address))) == chain.store.count()


def test_chain_time_moves_with_slots_and_by_seconds() -> None:
    chain = SandboxChain(time_s=1_800_000_000)
    began = chain.time_s()
    chain.advance(10)
    assert chain.time_s() == began + 4
    chain.advance(seconds=3600)
    assert chain.time_s() == began + 3604
    signature = str(chain.airdrop(Keypair().pubkey(), 1_000_000))
    slot = chain.bank.head().number
    chain.finalize()
    assert chain.call("getBlockTime", slot) == began + 3604
    assert chain.call("getTransaction", signature, {"maxSupportedTransactionVersion": 0})["blockTime"] == began + 3604

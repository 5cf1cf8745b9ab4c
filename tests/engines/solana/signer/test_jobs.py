"""Each kind of job, with real transactions on the sandbox chain."""

from __future__ import annotations

import pytest
from solders.keypair import Keypair

from mutoscope.engines.solana.chain import LAMPORTS_PER_SOL, TEST_FEE_TOKEN
from mutoscope.engines.solana.signer.models import SignerAttempt
from mutoscope.engines.solana.signer.requests import request_payout, request_reclaim, request_sweep, request_wallets
from mutoscope.engines.solana.wallets import pool_status
from tests.engines.solana.signer.house import FEE, FEE_LAMPORTS, SOL, TREASURY, USDC, House, attempts, history, key


def test_sol_is_swept_to_the_last_lamport(house: House) -> None:
    wallet = house.wallet("order-1", lamports=LAMPORTS_PER_SOL + 1)
    job = request_sweep(wallet)
    house.settle(job)
    assert (job.state, job.moved, job.attempts) == ("settled", LAMPORTS_PER_SOL + 1, 1)
    assert house.lamports(str(TREASURY.pubkey())) == LAMPORTS_PER_SOL + 1
    assert house.lamports(wallet.address) == 0
    assert history(job)[-1] == "settled"


def test_tokens_are_swept_and_the_treasurys_account_is_made(house: House) -> None:
    wallet = house.wallet("order-1", usdc=5_000_000)
    job = request_sweep(wallet, USDC)
    house.settle(job)
    assert (job.state, job.moved) == ("settled", 5_000_000)
    assert house.tokens(str(TREASURY.pubkey())) == 5_000_000
    assert house.lamports(wallet.address) == 0, "the one-time wallet paid for nothing"


def test_a_token_with_a_fee_is_swept_and_reclaimed_after_its_fees_are_harvested(house: House) -> None:
    """The wallet got its tokens by a transfer, so fees are withheld in it, and closing it would fail without harvesting."""
    payer = house.wallet("payer", fee=10_000_000)
    move = request_sweep(payer, FEE)
    wallet = house.wallet("order-1")
    # A transfer between two wallets, of which the second is the one-time wallet under test.
    changed = house.signer.configuration.tokens[FEE]
    object.__setattr__(changed, "sweep_to", wallet.address)
    house.settle(move)
    assert house.tokens(wallet.address, TEST_FEE_TOKEN) == 9_900_000
    object.__setattr__(changed, "sweep_to", str(TREASURY.pubkey()))
    sweep = request_sweep(wallet, FEE)
    house.settle(sweep)
    assert sweep.moved == 9_900_000
    assert house.tokens(str(TREASURY.pubkey()), TEST_FEE_TOKEN) == 9_801_000
    house.chain.finalize()
    reclaim = request_reclaim(wallet, FEE)
    house.settle(reclaim)
    assert reclaim.state == "settled", reclaim.reason
    assert house.chain.call("getAccountInfo", str(TEST_FEE_TOKEN.account_of(key(wallet.address))))["value"] is None


def test_rent_comes_back_to_the_fee_account(house: House) -> None:
    wallet = house.wallet("order-1", usdc=5_000_000)
    house.settle(request_sweep(wallet, USDC))
    house.chain.finalize()
    before = house.lamports(house.fee)
    job = request_reclaim(wallet, USDC)
    house.settle(job)
    assert job.state == "settled"
    assert job.moved == 2_039_280
    assert house.lamports(house.fee) > before + 2_000_000


def test_an_account_with_money_inside_is_never_closed(house: House) -> None:
    wallet = house.wallet("order-1", usdc=1)
    job = request_reclaim(wallet, USDC)
    house.settle(job)
    assert job.state == "voided"
    assert "Money is inside" in job.reason
    assert house.tokens(wallet.address) == 1


def test_money_that_arrives_after_the_look_is_not_closed_away(house: House) -> None:
    """The chain itself refuses, in the very transaction that would have closed the account."""
    wallet = house.wallet("order-1", usdc=1)
    house.settle(request_sweep(wallet, USDC))
    house.chain.finalize()
    job = request_reclaim(wallet, USDC)

    def arrives(method: str, params: object) -> None:
        if method == "sendTransaction":
            house.node.mend()
            house.chain.give(key(wallet.address), 7)

    house.node.breaks = arrives
    house.settle(job)
    assert job.state == "failed", job.reason
    assert house.tokens(wallet.address) == 7


@pytest.mark.parametrize("mint", [SOL, USDC])
def test_a_payout_arrives_in_full_and_makes_the_account_it_needs(house: House, mint: str) -> None:
    creator = str(Keypair().pubkey())
    house.chain.airdrop(key(house.payout), LAMPORTS_PER_SOL)
    house.chain.give(key(house.payout), 9_000_000)
    house.chain.finalize()
    job = request_payout("payout-1", destination=creator, amount=8_000_000, mint=mint)
    house.settle(job)
    assert (job.state, job.moved, attempts(job)) == ("settled", 8_000_000, ["settled"])
    assert (house.lamports(creator) if mint == SOL else house.tokens(creator)) == 8_000_000


def test_many_sweeps_share_a_transaction_and_none_is_larger_than_the_wire_takes(house: House) -> None:
    jobs = [request_sweep(house.wallet(f"order-{number}", usdc=1000 + number), USDC) for number in range(12)]
    house.settle(*jobs)
    assert {job.state for job in jobs} == {"settled"}
    assert house.tokens(str(TREASURY.pubkey())) == sum(1000 + number for number in range(12))
    sizes = [len(attempt.wire) for attempt in SignerAttempt.objects.all()]
    assert max(sizes) <= 1232
    assert len(sizes) <= 4, f"{len(sizes)} transactions for 12 sweeps"


def test_one_sweep_that_fails_does_not_hold_up_the_others(house: House) -> None:
    """Frozen out by the chain: the wallet's tokens are gone by the time the transaction runs."""
    jobs = [request_sweep(house.wallet(f"order-{number}", usdc=1000), USDC) for number in range(3)]
    vanished = jobs[1].wallet
    assert vanished is not None
    taken = house.signer.seeds

    def vanish(method: str, params: object) -> None:
        if method == "sendTransaction":
            house.node.mend()
            _steal(house, vanished.address)

    assert taken is not None
    house.node.breaks = vanish
    house.settle(*jobs)
    assert [job.state for job in jobs] == ["settled", "voided", "settled"], [job.reason for job in jobs]
    assert all("expired" in history(job) for job in jobs), "each was tried again alone"


def _steal(house: House, address: str) -> None:
    """Empty a token account behind the signer's back."""
    from solders.message import MessageV0
    from solders.transaction import VersionedTransaction

    from mutoscope.engines.solana.chain import TEST_USDC
    from mutoscope.engines.solana.keys import derive, wallet_path
    from mutoscope.engines.solana.keys.envelope import Envelope
    from mutoscope.engines.solana.signer import programs
    from mutoscope.engines.solana.wallets.models import Wallet
    from tests.engines.solana.signer.house import STRANGER

    seed = house.signer.seeds.ring.open(Envelope.from_json(house.signer.seeds.current("wallets").envelope))
    owner = derive(seed, wallet_path(Wallet.objects.get(address=address).index)).keypair()
    house.chain.airdrop(STRANGER.pubkey(), LAMPORTS_PER_SOL)
    make = programs.create_token_account(STRANGER.pubkey(), STRANGER.pubkey(), TEST_USDC.mint, programs.TOKEN)
    accounts = TEST_USDC.account_of(owner.pubkey()), TEST_USDC.account_of(STRANGER.pubkey())
    move = programs.send_tokens(programs.TOKEN, TEST_USDC.mint, *accounts, owner.pubkey(), 1000, 6)
    message = MessageV0.try_compile(STRANGER.pubkey(), [make, move], [], house.chain.blockhash())
    house.chain.send(VersionedTransaction(message, [STRANGER, owner]))


def test_wallets_can_be_asked_for_before_a_rush(house: House) -> None:
    free = pool_status().free
    job = request_wallets("rush", 30)
    house.settle(job)
    assert (job.state, job.moved) == ("settled", 30)
    assert pool_status().free == free + 30


def test_fees_are_within_their_bounds_and_only_the_fee_account_pays_them(house: House) -> None:
    wallet = house.wallet("order-1", lamports=LAMPORTS_PER_SOL)
    house.settle(request_sweep(wallet))
    paid = FEE_LAMPORTS - house.lamports(house.fee)
    assert 10_000 <= paid <= 10_000 + house.configuration.fee_lamports_max

"""Refunds go back to who paid, and never bring back more than came: the signer reads the payment itself."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from solders.keypair import Keypair
from solders.message import MessageV0
from solders.pubkey import Pubkey
from solders.transaction import VersionedTransaction

from mutoscope.engines.solana.chain import LAMPORTS_PER_SOL, TEST_USDC
from mutoscope.engines.solana.signer import programs
from mutoscope.engines.solana.signer.models import SignerJob
from mutoscope.engines.solana.signer.requests import request_refund, request_sweep
from tests.engines.solana.signer.house import SOL, STRANGER, USDC, House, key

PAYER = Keypair.from_seed(b"somebody who pays and wants back")


def pay(house: House, to: str, amount: int, mint: str = SOL) -> str:
    """A payment by the payer, final; its signature."""
    house.chain.airdrop(PAYER.pubkey(), LAMPORTS_PER_SOL)
    receiver = key(to)
    if mint == SOL:
        instructions = [programs.send_lamports(PAYER.pubkey(), receiver, amount)]
    else:
        house.chain.give(PAYER.pubkey(), amount)
        accounts = TEST_USDC.account_of(PAYER.pubkey()), TEST_USDC.account_of(receiver)
        instructions = [
            programs.create_token_account(PAYER.pubkey(), receiver, TEST_USDC.mint, programs.TOKEN),
            programs.send_tokens(programs.TOKEN, TEST_USDC.mint, *accounts, PAYER.pubkey(), amount, 6),
        ]
    message = MessageV0.try_compile(PAYER.pubkey(), instructions, [], house.chain.blockhash())
    signature = house.chain.send(VersionedTransaction(message, [PAYER]))
    house.chain.finalize()
    return str(signature)


def fund_payouts(house: House) -> None:
    house.chain.airdrop(key(house.payout), LAMPORTS_PER_SOL)
    house.chain.give(key(house.payout), 50_000_000)
    house.chain.finalize()


def balance(house: House, address: Pubkey, mint: str) -> int:
    return house.lamports(str(address)) if mint == SOL else house.tokens(str(address))


@pytest.mark.parametrize("mint", [SOL, USDC])
def test_a_refund_comes_from_the_wallet_that_was_paid(house: House, mint: str) -> None:
    wallet = house.wallet("order-1")
    receipt = pay(house, wallet.address, 30_000_000, mint)
    before = balance(house, PAYER.pubkey(), mint)
    job = request_refund("refund-1", receipt=receipt, receiver=wallet.address, amount=10_000_000, mint=mint)
    house.settle(job)
    assert (job.state, job.moved) == ("settled", 10_000_000), job.reason
    assert balance(house, PAYER.pubkey(), mint) == before + 10_000_000
    assert balance(house, key(wallet.address), mint) == 20_000_000


@pytest.mark.parametrize("mint", [SOL, USDC])
def test_after_a_sweep_it_comes_from_the_payout_account(house: House, mint: str) -> None:
    fund_payouts(house)
    wallet = house.wallet("order-1")
    receipt = pay(house, wallet.address, 30_000_000, mint)
    house.settle(request_sweep(wallet, mint))
    house.chain.finalize()
    before = balance(house, PAYER.pubkey(), mint)
    job = request_refund("refund-1", receipt=receipt, receiver=wallet.address, amount=30_000_000, mint=mint)
    house.settle(job)
    assert job.state == "settled", job.reason
    assert balance(house, PAYER.pubkey(), mint) == before + 30_000_000


def test_all_refunds_of_one_payment_together_are_at_most_what_it_brought(house: House) -> None:
    fund_payouts(house)
    wallet = house.wallet("order-1")
    receipt = pay(house, wallet.address, 30_000_000)
    amounts = (20_000_000, 9_000_000, 1_000_001)
    jobs = [
        request_refund(f"refund-{number}", receipt=receipt, receiver=wallet.address, amount=amount)
        for number, amount in enumerate(amounts)
    ]
    house.settle(*jobs)
    assert [job.state for job in jobs] == ["settled", "settled", "voided"]
    assert "went back already" in jobs[2].reason


def test_nobody_but_who_paid_gets_it(house: House) -> None:
    fund_payouts(house)
    wallet = house.wallet("order-1")
    receipt = pay(house, wallet.address, 30_000_000)
    stranger = str(STRANGER.pubkey())
    forged = request_refund("a", receipt=receipt, receiver=wallet.address, amount=1_000_000, destination=stranger)
    not_ours = request_refund("b", receipt=receipt, receiver=stranger, amount=1_000_000)
    other_token = request_refund("c", receipt=receipt, receiver=wallet.address, amount=1, mint=USDC)
    too_much = request_refund("d", receipt=receipt, receiver=wallet.address, amount=30_000_001)
    jobs = (forged, not_ours, other_token, too_much)
    house.settle(*jobs)
    assert [job.state for job in jobs] == ["voided"] * 4
    assert [
        word in job.reason
        for word, job in zip(("did not pay", "none of our", "brought no", "brought 3"), jobs, strict=True)
    ] == [True] * 4


def test_a_payment_to_the_merchants_own_account_is_refunded_from_the_payout_account(
    open_house: Callable[..., House],
) -> None:
    merchant = str(Keypair.from_seed(b"the merchant's own main account.").pubkey())
    house = open_house(receivers=[merchant])
    fund_payouts(house)
    receipt = pay(house, merchant, 30_000_000, USDC)
    job = request_refund("refund-1", receipt=receipt, receiver=merchant, amount=30_000_000, mint=USDC)
    house.settle(job)
    assert job.state == "settled", job.reason
    assert house.tokens(str(PAYER.pubkey())) == 30_000_000


def test_a_payment_that_is_not_final_is_waited_for(house: House) -> None:
    wallet = house.wallet("order-1")
    signature = house.chain.airdrop(key(wallet.address), LAMPORTS_PER_SOL)
    job = request_refund("refund-1", receipt=str(signature), receiver=wallet.address, amount=1_000_000)
    house.signer.tick()
    house.refresh(job)
    assert job.state == "requested"
    assert "not finalized" in job.reason
    house.chain.finalize()
    house.settle(job)
    assert job.state == "settled", job.reason


@pytest.mark.parametrize("mint", [SOL, USDC])
def test_the_operator_may_let_refunds_go_elsewhere_and_they_are_still_what_came_at_most(
    open_house: Callable[..., House], mint: str
) -> None:
    house = open_house(refund_elsewhere=True)
    wallet = house.wallet("order-1")
    receipt = pay(house, wallet.address, 30_000_000, mint)
    elsewhere = str(STRANGER.pubkey())

    def job(number: int, amount: int) -> SignerJob:
        asked = {"receipt": receipt, "receiver": wallet.address, "mint": mint, "destination": elsewhere}
        return request_refund(f"refund-{number}", amount=amount, **asked)

    first = job(1, 20_000_000)
    house.settle(first)
    second = job(2, 10_000_001)
    fund_payouts(house)
    house.settle(second)
    assert (first.state, second.state) == ("settled", "voided"), (first.reason, second.reason)
    arrived = house.tokens(elsewhere) if mint else house.lamports(elsewhere)
    assert arrived == 20_000_000

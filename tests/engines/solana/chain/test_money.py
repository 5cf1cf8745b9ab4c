"""Money appears, moves, becomes final, and is taken back with the slots it moved in."""

from __future__ import annotations

from solders.keypair import Keypair

from mutoscope.engines.solana.chain import LAMPORTS_PER_SOL, TEST_FEE_TOKEN, TEST_USDC, Commitment, SandboxChain


def test_an_airdrop_is_seen_at_once_and_final_after_its_delay() -> None:
    chain = SandboxChain()
    payer = Keypair().pubkey()
    chain.airdrop(payer, LAMPORTS_PER_SOL)
    assert chain.balance(payer) == LAMPORTS_PER_SOL
    assert chain.balance(payer, Commitment.CONFIRMED) == 0
    chain.advance(chain.bank.pace.confirmed_after)
    assert chain.balance(payer, Commitment.CONFIRMED) == LAMPORTS_PER_SOL
    assert chain.balance(payer, Commitment.FINALIZED) == 0
    chain.finalize()
    assert chain.balance(payer, Commitment.FINALIZED) == LAMPORTS_PER_SOL


def test_rolling_back_takes_back_what_is_not_final() -> None:
    chain = SandboxChain()
    payer = Keypair().pubkey()
    chain.give(payer, 5_000_000)
    chain.finalize()
    chain.give(payer, 1)
    signature = chain.airdrop(payer, LAMPORTS_PER_SOL)
    chain.advance(3)
    assert chain.roll_back() == chain.bank.pace.finalized_after
    assert chain.token_balance(payer) == 5_000_000
    assert chain.balance(payer) == 0
    assert chain.call("getSignatureStatuses", [str(signature)])["value"] == [None]


def test_both_test_tokens_can_be_given() -> None:
    chain = SandboxChain()
    owner = Keypair().pubkey()
    chain.give(owner, 7)
    chain.give(owner, 8, TEST_FEE_TOKEN)
    assert (chain.token_balance(owner, TEST_USDC), chain.token_balance(owner, TEST_FEE_TOKEN)) == (7, 8)


def test_a_served_chain_answers_on_loopback() -> None:
    import httpx

    with SandboxChain() as chain:
        answer = httpx.post(chain.url, json={"jsonrpc": "2.0", "id": 1, "method": "getHealth"})
        assert answer.json() == {"jsonrpc": "2.0", "result": "ok", "id": 1}

"""What becomes of a transaction: it lands, fails, expires, is refused, or is never heard of again."""

from __future__ import annotations

import struct

import pytest
from solders.address_lookup_table_account import ID as LOOKUP_TABLE_PROGRAM
from solders.address_lookup_table_account import AddressLookupTableAccount, derive_lookup_table_address
from solders.hash import Hash
from solders.instruction import AccountMeta, Instruction
from solders.keypair import Keypair
from solders.message import Message, MessageV0, MessageV1
from solders.pubkey import Pubkey
from solders.signature import Signature
from solders.system_program import (
    AdvanceNonceAccountParams,
    TransferParams,
    advance_nonce_account,
    create_nonce_account,
    transfer,
)
from solders.transaction import VersionedTransaction

from mutoscope.engines.solana.chain import LAMPORTS_PER_SOL, TEST_USDC, Refused, SandboxChain, programs
from mutoscope.engines.solana.chain.errors import PREFLIGHT_FAILURE, SIGNATURE_FAILURE, UNSUPPORTED_VERSION
from tests.engines.solana.chain.payer import Payer, refusal, wire

BASE64 = {"encoding": "base64"}
READ = {"maxSupportedTransactionVersion": 1, "commitment": "confirmed"}


def make_lookup_table(payer: Payer, addresses: list[Pubkey]) -> Pubkey:
    """By the program's own instructions, CreateLookupTable and ExtendLookupTable."""
    recent = payer.chain.bank.head().number - 1
    table, bump = derive_lookup_table_address(payer.address, recent)
    accounts = [
        AccountMeta(table, False, True),
        AccountMeta(payer.address, True, False),
        AccountMeta(payer.address, True, True),
        AccountMeta(programs.SYSTEM_PROGRAM, False, False),
    ]
    create = struct.pack("<IQB", 0, recent, bump)
    extend = struct.pack("<IQ", 2, len(addresses)) + b"".join(bytes(address) for address in addresses)
    for data in (create, extend):
        payer.chain.send(payer.sign([Instruction(LOOKUP_TABLE_PROGRAM, data, accounts)]))
    return table


@pytest.fixture
def chain() -> SandboxChain:
    return SandboxChain()


def test_a_durable_nonce_outlives_every_blockhash_and_works_once(chain: SandboxChain) -> None:
    payer, nonce, to = Payer(chain), Keypair(), Keypair().pubkey()
    making = create_nonce_account(payer.address, nonce.pubkey(), payer.address, 2_000_000)
    message = MessageV0.try_compile(payer.address, list(making), [], chain.blockhash())
    chain.send(VersionedTransaction(message, [payer.key, nonce]))
    held = chain.bank.account(nonce.pubkey())
    assert held is not None
    advance = advance_nonce_account(
        AdvanceNonceAccountParams(nonce_pubkey=nonce.pubkey(), authorized_pubkey=payer.address)
    )
    paying = transfer(TransferParams(from_pubkey=payer.address, to_pubkey=to, lamports=1_000_000))

    def signed(*instructions: Instruction) -> VersionedTransaction:
        value = Hash(bytes(held.data)[40:72])
        return VersionedTransaction(MessageV0.try_compile(payer.address, instructions, [], value), [payer.key])

    chain.advance(1000)
    chain.send(signed(advance, paying))
    assert chain.balance(to) == 1_000_000
    # Neither the same again, nor another with the nonce that is used, nor one that does not advance it.
    for again in (signed(advance, paying), signed(advance, paying, paying), signed(paying)):
        with pytest.raises(Refused):
            chain.send(again)
    assert chain.balance(to) == 1_000_000


def test_a_blockhash_lives_for_its_150_blocks_and_no_longer(chain: SandboxChain) -> None:
    payer, to = Payer(chain), Keypair().pubkey()
    newest = chain.call("getLatestBlockhash", {"commitment": "processed"})["value"]
    transaction = payer.transfer(to, LAMPORTS_PER_SOL)
    chain.advance(150)
    assert chain.call("getBlockHeight", {"commitment": "processed"}) == newest["lastValidBlockHeight"]
    assert chain.call("isBlockhashValid", newest["blockhash"], {"commitment": "processed"})["value"] is True
    chain.advance()
    assert chain.call("isBlockhashValid", newest["blockhash"], {"commitment": "processed"})["value"] is False
    error = refusal(chain, "sendTransaction", wire(transaction), BASE64)
    assert (error.code, error.message) == (PREFLIGHT_FAILURE, "Transaction simulation failed: Blockhash not found")
    assert error.data["err"] == "BlockhashNotFound"
    assert chain.balance(to) == 0


def test_the_last_block_of_a_blockhash_still_takes_its_transaction(chain: SandboxChain) -> None:
    payer, to = Payer(chain), Keypair().pubkey()
    transaction = payer.transfer(to, LAMPORTS_PER_SOL)
    chain.advance(150)
    chain.call("sendTransaction", wire(transaction), BASE64)
    assert chain.balance(to) == LAMPORTS_PER_SOL


def test_the_same_transaction_twice_pays_once(chain: SandboxChain) -> None:
    payer, to = Payer(chain), Keypair().pubkey()
    transaction = payer.transfer(to, LAMPORTS_PER_SOL)
    chain.call("sendTransaction", wire(transaction), BASE64)
    error = refusal(chain, "sendTransaction", wire(transaction), BASE64)
    assert error.data["err"] == "AlreadyProcessed"
    assert chain.call("sendTransaction", wire(transaction), {**BASE64, "skipPreflight": True})
    assert chain.balance(to) == LAMPORTS_PER_SOL


def test_a_failed_preflight_says_why_and_leaves_nothing(chain: SandboxChain) -> None:
    payer = Payer(chain)
    held = chain.balance(payer.address)
    transaction = payer.transfer(Keypair().pubkey(), 1000 * LAMPORTS_PER_SOL)
    error = refusal(chain, "sendTransaction", wire(transaction), BASE64)
    assert error.code == PREFLIGHT_FAILURE
    assert error.message == ("Transaction simulation failed: Error processing Instruction 0: custom program error: 0x1")
    assert error.data["err"] == {"InstructionError": [0, {"Custom": 1}]}
    assert any("insufficient lamports" in line for line in error.data["logs"])
    assert chain.balance(payer.address) == held
    assert chain.call("getSignatureStatuses", [str(transaction.signatures[0])])["value"] == [None]


def test_without_preflight_a_failure_lands_and_costs_its_fee(chain: SandboxChain) -> None:
    payer = Payer(chain)
    held = chain.balance(payer.address)
    transaction = payer.transfer(Keypair().pubkey(), 1000 * LAMPORTS_PER_SOL)
    signature = chain.call("sendTransaction", wire(transaction), {**BASE64, "skipPreflight": True})
    assert chain.balance(payer.address) == held - 5000
    (status,) = chain.call("getSignatureStatuses", [signature])["value"]
    assert status["err"] == {"InstructionError": [0, {"Custom": 1}]}
    assert status["status"] == {"Err": status["err"]}
    chain.finalize()
    assert chain.call("getTransaction", signature, READ)["meta"]["err"] == status["err"]


def test_a_payer_without_money_is_refused_and_never_recorded(chain: SandboxChain) -> None:
    pauper = Payer(chain, lamports=0)
    transaction = pauper.transfer(Keypair().pubkey(), LAMPORTS_PER_SOL)
    assert refusal(chain, "sendTransaction", wire(transaction), BASE64).data["err"] == "AccountNotFound"
    signature = chain.call("sendTransaction", wire(transaction), {**BASE64, "skipPreflight": True})
    assert chain.call("getSignatureStatuses", [signature])["value"] == [None]


def test_a_false_signature_is_refused(chain: SandboxChain) -> None:
    payer = Payer(chain)
    honest = payer.transfer(Keypair().pubkey(), LAMPORTS_PER_SOL)
    false = VersionedTransaction.populate(honest.message, [Signature.new_unique()])
    for options in (BASE64, {**BASE64, "skipPreflight": True}):
        error = refusal(chain, "sendTransaction", wire(false), options)
        assert (error.code, error.message) == (SIGNATURE_FAILURE, "Transaction signature verification failure")
    with pytest.raises(Refused, match="SignatureFailure"):
        chain.send(false)


def test_too_little_for_a_new_account_is_refused(chain: SandboxChain) -> None:
    error = refusal(chain, "sendTransaction", wire(Payer(chain).transfer(Keypair().pubkey(), 1)), BASE64)
    assert error.data["err"] == {"InsufficientFundsForRent": {"account_index": 1}}
    assert chain.call("getMinimumBalanceForRentExemption", 0) == 890_880
    assert chain.call("getMinimumBalanceForRentExemption", 165) == 2_039_280


def test_accounts_by_lookup_table_are_recorded_with_the_rest(chain: SandboxChain) -> None:
    payer, to = Payer(chain), Keypair().pubkey()
    chain.advance(2)
    table = make_lookup_table(payer, [to])
    chain.advance()
    lookup = AddressLookupTableAccount(table, [to])
    message = MessageV0.try_compile(payer.address, [payer.paying(to, 5_000_000)], [lookup], chain.blockhash())
    assert to not in message.account_keys
    signature = chain.call("sendTransaction", wire(VersionedTransaction(message, [payer.key])), BASE64)
    chain.finalize()
    found = chain.call("getTransaction", signature, READ)
    assert found["version"] == 0
    assert found["meta"]["loadedAddresses"] == {"writable": [str(to)], "readonly": []}
    keys = [*found["transaction"]["message"]["accountKeys"], str(to)]
    gained = found["meta"]["postBalances"][keys.index(str(to))] - found["meta"]["preBalances"][keys.index(str(to))]
    assert gained == 5_000_000
    assert [line["signature"] for line in chain.call("getSignaturesForAddress", str(to))] == [signature]
    parsed = chain.call("getTransaction", signature, {**READ, "encoding": "jsonParsed"})["transaction"]["message"]
    assert parsed["accountKeys"][-1] == {"pubkey": str(to), "signer": False, "source": "lookupTable", "writable": True}
    assert parsed["instructions"][0]["parsed"] == {
        "type": "transfer",
        "info": {"source": str(payer.address), "destination": str(to), "lamports": 5_000_000},
    }


@pytest.mark.parametrize(("kind", "version"), [(Message, "legacy"), (MessageV0, 0), (MessageV1, 1)])
def test_every_version_lands_and_is_given_only_to_who_can_read_it(
    chain: SandboxChain, kind: type[Message | MessageV0 | MessageV1], version: int | str
) -> None:
    payer, to = Payer(chain), Keypair().pubkey()
    pays = [payer.paying(to, LAMPORTS_PER_SOL)]
    message: Message | MessageV0 | MessageV1
    if kind is Message:
        message = Message.new_with_blockhash(pays, payer.address, chain.blockhash())
    elif kind is MessageV0:
        message = MessageV0.try_compile(payer.address, pays, [], chain.blockhash())
    else:
        message = MessageV1.try_compile(payer.address, pays, chain.blockhash())
    signature = chain.call("sendTransaction", wire(VersionedTransaction(message, [payer.key])), BASE64)
    assert chain.balance(to) == LAMPORTS_PER_SOL
    chain.finalize()
    assert chain.call("getTransaction", signature, READ)["version"] == version
    if version != "legacy":
        error = refusal(chain, "getTransaction", signature)
        assert error.code == UNSUPPORTED_VERSION
        assert '"maxSupportedTransactionVersion"' in error.message
    for encoding in ("base64", "base58", "json", "jsonParsed"):
        assert chain.call("getTransaction", signature, {**READ, "encoding": encoding})["transaction"]


def test_a_simulation_tells_what_would_be_and_changes_nothing(chain: SandboxChain) -> None:
    payer, to = Payer(chain), Keypair().pubkey()
    held = chain.balance(payer.address)
    unsigned = VersionedTransaction.populate(payer.transfer(to, 7_000_000).message, [Signature.default()])
    options = {**BASE64, "replaceRecentBlockhash": True, "accounts": {"addresses": [str(to)]}}
    told = chain.call("simulateTransaction", wire(unsigned), options)["value"]
    assert told["err"] is None
    assert told["unitsConsumed"] > 0
    assert told["accounts"][0]["lamports"] == 7_000_000
    assert told["replacementBlockhash"]["blockhash"] == str(chain.blockhash())
    assert (chain.balance(payer.address), chain.balance(to)) == (held, 0)


def test_inner_instructions_and_token_owners_are_told_in_words(chain: SandboxChain) -> None:
    owner = Keypair().pubkey()
    signature = str(chain.give(owner, 7_250_000))
    chain.finalize()
    found = chain.call("getTransaction", signature, {**READ, "encoding": "jsonParsed"})
    create, mint = found["transaction"]["message"]["instructions"][1:]
    assert create["parsed"]["type"] == "createIdempotent"
    assert create["parsed"]["info"]["wallet"] == str(owner)
    assert mint["parsed"]["info"]["tokenAmount"] == {
        "amount": "7250000",
        "decimals": 6,
        "uiAmount": 7.25,
        "uiAmountString": "7.25",
    }
    inner = [i["parsed"]["type"] for i in found["meta"]["innerInstructions"][0]["instructions"] if "parsed" in i]
    assert "initializeAccount3" in inner
    (after,) = found["meta"]["postTokenBalances"]
    assert (after["owner"], after["mint"]) == (str(owner), str(TEST_USDC.mint))
    assert after["programId"] == str(programs.TOKEN_PROGRAM)
    assert found["meta"]["preTokenBalances"] == []


def test_a_memo_is_shown_in_the_history_with_its_length(chain: SandboxChain) -> None:
    payer = Payer(chain)
    chain.send(payer.sign([programs.memo("order 17"), payer.paying(payer.address, 0)]))
    chain.finalize()
    newest = chain.call("getSignaturesForAddress", str(payer.address))[0]
    assert newest["memo"] == "[8] order 17"

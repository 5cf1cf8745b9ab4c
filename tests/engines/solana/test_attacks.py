"""Every attack and accident that payments on Solana are known for, tried with real transactions. docs/solana.md lists them."""

from __future__ import annotations

import struct

import pytest
from solders.address_lookup_table_account import AddressLookupTableAccount
from solders.instruction import AccountMeta, Instruction
from solders.keypair import Keypair
from solders.message import Message, MessageV0, MessageV1
from solders.pubkey import Pubkey
from solders.system_program import CreateAccountParams, create_account
from solders.transaction import VersionedTransaction

from mutoscope.engines.solana import public
from mutoscope.engines.solana.chain import TEST_FEE_TOKEN, TEST_USDC, Refused, programs
from mutoscope.engines.solana.chain import TestToken as Coin
from mutoscope.engines.solana.chain.faults import Fault
from mutoscope.engines.solana.models import Transfer, WatchedAccount
from mutoscope.engines.solana.payments.domain.states import Money, Status
from mutoscope.engines.solana.rpc.errors import RpcUnavailable
from mutoscope.engines.solana.watcher.watcher import Watcher
from tests.engines.solana.payments.shop import FEE, SOL, USDC, Shop

PRICE = 500_000_000
WAITING = (Status.WAITING, Money.NOTHING)
PAID = (Status.SETTLED, Money.EXACT)
WAYS = pytest.mark.parametrize("by", ["reference", "wallet"])


def new_mint(shop: Shop, program: Pubkey = programs.TOKEN_PROGRAM) -> Coin:
    """A token of the attacker's own, with test USDC's symbol and decimals, and plenty of it in the payer's hands."""
    key, authority = Keypair(), shop.payer.pubkey()
    token = Coin("USDC", key.pubkey(), program, 6)
    making = CreateAccountParams(
        from_pubkey=authority, to_pubkey=key.pubkey(), lamports=10_000_000, space=programs.MINT_BYTES, owner=program
    )
    account = token.account_of(authority)
    shop.send(
        [
            create_account(making),
            programs.initialize_mint(key.pubkey(), 6, authority, program),
            programs.create_associated_account(authority, authority, key.pubkey(), program),
            programs.mint_to(key.pubkey(), account, authority, 10**9, 6, program),
        ],
        key,
    )
    return token


@WAYS
@pytest.mark.parametrize("program", [programs.TOKEN_PROGRAM, programs.TOKEN_2022_PROGRAM], ids=["token", "token-2022"])
def test_look_alike_mint_other_token_program(shop: Shop, by: str, program: Pubkey) -> None:
    payment = shop.offer({USDC: PRICE}, by)
    shop.pay(payment, PRICE, new_mint(shop, program))
    shop.look()
    assert shop.stands(payment)[0] is Status.WAITING
    assert shop.stands(payment)[1] in {Money.NOTHING, Money.FOREIGN}


def test_token_2022_fee_hook_delegate_pausable(shop: Shop) -> None:
    # A mint that can do more than transfer is accepted only with that by name, and then what arrived counts.
    for named in ([], ["transfer_hook", "permanent_delegate", "pausable"]):
        with pytest.raises(public.TokenRefused, match="transfer_fee"):
            public.accept_token("FEE", FEE, rpc=shop.rpc, extensions=named)
    shop.accept(TEST_FEE_TOKEN, extensions=["transfer_fee"])
    shop.chain.give(shop.payer.pubkey(), 100_000_000, TEST_FEE_TOKEN)
    payment = shop.offer({FEE: 10_000_000})
    shop.pay(payment, 10_000_000, TEST_FEE_TOKEN)
    shop.look()
    # One per cent stayed with the mint: what arrived counts, not what was sent.
    assert shop.stands(payment) == (Status.WAITING, Money.PARTIAL)
    assert shop.receipts(payment) == [9_900_000]
    shop.pay(payment, 101_011, TEST_FEE_TOKEN)
    shop.look()
    assert shop.stands(payment) == PAID


@WAYS
def test_unfinalized_rolled_back(shop: Shop, by: str) -> None:
    payment = shop.offer({SOL: PRICE}, by)
    shop.chain.finalize()
    shop.pay(payment, PRICE)
    for _ in range(shop.chain.bank.pace.finalized_after - 1):
        shop.chain.advance(1)
        shop.glance()
        assert shop.stands(payment)[0] is not Status.SETTLED
    assert shop.stands(payment) == (Status.CONFIRMED, Money.NOTHING)
    shop.chain.roll_back()
    shop.look()
    assert shop.stands(payment) == WAITING
    assert not Transfer.objects.exists()


@WAYS
@pytest.mark.parametrize("fault", [Fault.WRONG_AMOUNT, Fault.WITHHOLD, Fault.STALE])
def test_lying_or_stale_node(shop: Shop, by: str, fault: Fault) -> None:
    """Above a configured sum one node's word is not enough, whatever it says."""
    public.token_model().objects.filter(mint=SOL).update(second_opinion_from=1)
    payment = shop.offer({SOL: PRICE}, by)
    shop.pay(payment, PRICE - 1)
    shop.chain.finalize()
    liar, honest = shop.chain.node("liar"), shop.chain.node("honest")
    liar.faults.add(fault, "getTransaction", by=1, slots=60)
    rpc = shop.new_rpc([liar.url, honest.url])
    with Watcher(rpc) as watcher:
        shop.watcher, own = watcher, shop.watcher
        shop.look()
        assert shop.stands(payment)[0] in {Status.WAITING, Status.SEEN}
        assert not Transfer.objects.exists()
        liar.faults.clear()
        shop.look()
        assert shop.stands(payment) == (Status.WAITING, Money.PARTIAL)
        shop.watcher = own
    rpc.close()


def test_node_of_another_network(shop: Shop) -> None:
    shop.rpc.close()
    rpc = shop.new_rpc([shop.chain.url], patience_s=1.0)
    rpc.genesis_hash = "5eykt4UsFv8P8NJdTREpY1vzqKqZKvdpKuc147dw2N9d"
    with pytest.raises(RpcUnavailable):
        rpc.call("getSlot")
    assert rpc.nodes[0].is_banned
    rpc.close()


@WAYS
def test_failed_transaction(shop: Shop, by: str) -> None:
    payment = shop.offer({USDC: PRICE}, by)
    account = Pubkey.from_string(WatchedAccount.objects.get(owner=payment.recipient).address)
    shop.send(
        [
            programs.create_associated_account(
                shop.payer.pubkey(), Pubkey.from_string(payment.recipient), TEST_USDC.mint, TEST_USDC.program
            )
        ]
    )
    source = TEST_USDC.account_of(shop.payer.pubkey())
    much = programs.transfer_token(source, TEST_USDC.mint, account, shop.payer.pubkey(), 10**18, 6, TEST_USDC.program)
    named = [AccountMeta(Pubkey.from_string(payment.reference), False, False)] if payment.reference else []
    shop.chain.advance(1)
    failing = Instruction(much.program_id, much.data, [*much.accounts, *named])
    message = MessageV0.try_compile(shop.payer.pubkey(), [failing], [], shop.chain.blockhash())
    # Past preflight, so that it lands and fails.
    shop.chain.bank.send(VersionedTransaction(message, [shop.payer]), preflight=False)
    shop.look()
    assert shop.stands(payment) == WAITING
    assert shop.unmatched() == []


@WAYS
def test_same_reference_or_wallet_used_twice(shop: Shop, by: str) -> None:
    payment = shop.offer({SOL: PRICE}, by)
    first, second = shop.pay(payment, PRICE), shop.pay(payment, PRICE)
    shop.look()
    shop.look()
    assert shop.stands(payment) == (Status.SETTLED, Money.DOUBLE)
    assert payment.signature == str(first) != str(second)
    assert shop.news(payment).count("settled") == 1
    assert shop.receipts(payment) == [PRICE, PRICE]


def test_one_transaction_paying_several(shop: Shop) -> None:
    one, two = shop.offer({SOL: PRICE}), shop.offer({USDC: 7})
    to = [Pubkey.from_string(payment.recipient) for payment in (one, two)]
    shop.send([*shop.transfer(to[0], PRICE), *shop.transfer(to[1], 7, TEST_USDC)])
    shop.look()
    assert (shop.stands(one), shop.stands(two)) == (PAID, PAID)
    # With references to one account there is one delta. It is not split by anybody's word, and not counted twice.
    third, fourth = shop.offer({SOL: PRICE}, "reference"), shop.offer({SOL: PRICE}, "reference")
    shop.pay(third, PRICE, references=[str(third.reference), str(fourth.reference)])
    shop.look()
    assert (shop.stands(third), shop.stands(fourth)) == (WAITING, WAITING)
    assert shop.unmatched() == [("several_references", PRICE)]


@WAYS
def test_poisoning_with_dust_hundreds_of_signatures(shop: Shop, by: str) -> None:
    public.token_model().objects.filter(mint=SOL).update(dust_below=10_000)
    payment, other = shop.offer({SOL: PRICE}, by), shop.offer({SOL: PRICE}, by)
    to = Pubkey.from_string(payment.recipient)
    shop.chain.airdrop(to, 1_000_000)
    for _ in range(150):
        shop.send(shop.transfer(to, 1))
    shop.pay(payment, PRICE)
    for _ in range(150):
        shop.send(shop.transfer(to, 1))
    shop.pay(other, PRICE)
    before = shop.rpc.calls["getTransaction"]
    shop.look()
    assert shop.rpc.calls["getTransaction"] - before <= 500
    shop.look_until_done()
    assert shop.stands(payment)[0] is Status.SETTLED
    assert shop.stands(other) == PAID
    assert sum(Transfer.objects.filter(owner=payment.recipient).values_list("amount", flat=True)) == shop.chain.balance(
        to
    )


def test_dust_below_a_threshold_is_recorded_not_chased(shop: Shop) -> None:
    public.token_model().objects.filter(mint=SOL).update(dust_below=2_000_000)
    payment = shop.offer({SOL: PRICE})
    shop.pay(payment, 1_000_000)
    shop.look()
    assert shop.rpc.calls["getSignaturesForAddress"] == 0
    assert shop.watcher.audit() == []
    assert shop.receipts(payment) == [1_000_000]


@WAYS
def test_memo_spoof(shop: Shop, by: str) -> None:
    payment = shop.offer({SOL: PRICE}, by, purpose="order:17")
    promise = f"paid {payment.public_id} {payment.reference} {payment.recipient} {PRICE}"
    shop.send([programs.memo(promise), *shop.transfer(Keypair().pubkey(), PRICE)])
    shop.look()
    assert shop.stands(payment) == WAITING


def test_set_authority_fake_deposit(shop: Shop) -> None:
    payment = shop.offer({USDC: 1_000_000})
    account, owner = Keypair(), Pubkey.from_string(payment.recipient)
    payer = shop.payer.pubkey()
    making = CreateAccountParams(
        from_pubkey=payer, to_pubkey=account.pubkey(), lamports=10_000_000, space=165, owner=programs.TOKEN_PROGRAM
    )
    start = Instruction(
        programs.TOKEN_PROGRAM,
        bytes([18]) + bytes(payer),
        [AccountMeta(account.pubkey(), False, True), AccountMeta(TEST_USDC.mint, False, False)],
    )
    source = TEST_USDC.account_of(payer)
    fill = programs.transfer_token(
        source, TEST_USDC.mint, account.pubkey(), payer, 1_000_000, 6, programs.TOKEN_PROGRAM
    )
    shop.send([create_account(making), start, fill], account)
    hand_over = Instruction(
        programs.TOKEN_PROGRAM,
        bytes([6, 2, 1]) + bytes(owner),
        [AccountMeta(account.pubkey(), False, True), AccountMeta(payer, True, False)],
    )
    # The wallet itself is named, so that the transaction is looked at.
    shop.send([hand_over, *shop.transfer(owner, 1_000_000)])
    shop.look()
    assert shop.stands(payment) == WAITING
    assert not Transfer.objects.filter(payment=payment.pk, mint=USDC).exists()


@WAYS
def test_inner_instructions(shop: Shop, by: str) -> None:
    """Lamports that arrive without any transfer: a wrapped-SOL account is closed towards the recipient."""
    payment = shop.offer({SOL: PRICE}, by)
    wrapped, payer = Keypair(), shop.payer.pubkey()
    native = Pubkey.from_string("So11111111111111111111111111111111111111112")
    making = CreateAccountParams(
        from_pubkey=payer, to_pubkey=wrapped.pubkey(), lamports=PRICE, space=165, owner=programs.TOKEN_PROGRAM
    )
    named = [AccountMeta(Pubkey.from_string(payment.reference), False, False)] if payment.reference else []
    start = Instruction(
        programs.TOKEN_PROGRAM,
        bytes([18]) + bytes(payer),
        [AccountMeta(wrapped.pubkey(), False, True), AccountMeta(native, False, False)],
    )
    close = Instruction(
        programs.TOKEN_PROGRAM,
        bytes([9]),
        [
            AccountMeta(wrapped.pubkey(), False, True),
            AccountMeta(Pubkey.from_string(payment.recipient), False, True),
            AccountMeta(payer, True, False),
            *named,
        ],
    )
    try:
        shop.send([create_account(making), start, close], wrapped)
    except Refused:
        pytest.fail("the sandbox chain lacks the native mint")
    shop.look()
    assert shop.stands(payment) == PAID


@WAYS
def test_wallet_injected_guards(shop: Shop, by: str) -> None:
    payment = shop.offer({SOL: PRICE}, by)
    guards = [
        programs.compute_unit_limit(90_000),
        programs.memo("a wallet's own guard"),
        *shop.transfer(Keypair().pubkey(), 2_000_000),
    ]
    shop.pay(payment, PRICE, extra=guards)
    shop.look()
    assert shop.stands(payment) == PAID


def test_p_token_batch(shop: Shop) -> None:
    """Several transfers in one instruction of the token program, which no reader of instructions knows: two payments are paid."""
    payments = [shop.offer({USDC: 5_000_000}, "wallet") for _ in range(2)]
    owners = [Pubkey.from_string(payment.recipient) for payment in payments]
    opened, moved = zip(*(shop.transfer(owner, 5_000_000, TEST_USDC) for owner in owners), strict=True)
    parts = [bytes([len(each.accounts), len(each.data)]) + bytes(each.data) for each in moved]
    # Number 255, and each instruction with how many accounts and bytes it has.
    # Source: https://docs.rs/crate/pinocchio-token/0.7.0/source/src/instructions/batch.rs
    batch = Instruction(
        TEST_USDC.program, bytes([255]) + b"".join(parts), [key for each in moved for key in each.accounts]
    )
    shop.send([*opened, batch])
    shop.look()
    assert [shop.stands(payment) for payment in payments] == [PAID, PAID]
    assert [shop.receipts(payment) for payment in payments] == [[5_000_000], [5_000_000]]


@WAYS
@pytest.mark.parametrize("version", ["legacy", "v0", "v1"])
def test_versions_of_transactions(shop: Shop, by: str, version: str) -> None:
    payment = shop.offer({USDC: 5_000_000}, by)
    references = [payment.reference] if payment.reference else []
    instructions = shop.transfer(Pubkey.from_string(payment.recipient), 5_000_000, TEST_USDC, references)
    shop.chain.advance(1)
    payer, blockhash = shop.payer, shop.chain.blockhash()
    message: Message | MessageV0 | MessageV1
    if version == "legacy":
        message = Message.new_with_blockhash(instructions, payer.pubkey(), blockhash)
    elif version == "v0":
        message = MessageV0.try_compile(payer.pubkey(), instructions, [], blockhash)
    else:
        message = MessageV1.try_compile(payer.pubkey(), instructions, blockhash)
    shop.chain.send(VersionedTransaction(message, [payer]))
    shop.look()
    assert shop.stands(payment) == PAID


@WAYS
def test_lookup_tables(shop: Shop, by: str) -> None:
    """The recipient and the reference are in no key list of the transaction, only in the table it loads."""
    payment = shop.offer({SOL: PRICE}, by)
    payer = shop.payer.pubkey()
    program = Pubkey.from_string("AddressLookupTab1e1111111111111111111111111")
    shop.chain.advance(1)
    slot = shop.chain.bank.head().number - 1
    table, bump = Pubkey.find_program_address([bytes(payer), struct.pack("<Q", slot)], program)
    keys = [Pubkey.from_string(each) for each in (payment.recipient, payment.reference) if each]
    create = Instruction(
        program,
        struct.pack("<IQB", 0, slot, bump),
        [
            AccountMeta(table, False, True),
            AccountMeta(payer, True, False),
            AccountMeta(payer, True, True),
            AccountMeta(programs.SYSTEM_PROGRAM, False, False),
        ],
    )
    extend = Instruction(
        program,
        struct.pack("<IQ", 2, len(keys)) + b"".join(map(bytes, keys)),
        [
            AccountMeta(table, False, True),
            AccountMeta(payer, True, False),
            AccountMeta(payer, True, True),
            AccountMeta(programs.SYSTEM_PROGRAM, False, False),
        ],
    )
    shop.send([create, extend])
    shop.chain.advance(2)
    references = [payment.reference] if payment.reference else []
    message = MessageV0.try_compile(
        payer,
        shop.transfer(keys[0], PRICE, None, references),
        [AddressLookupTableAccount(table, keys)],
        shop.chain.blockhash(),
    )
    assert message.address_table_lookups
    shop.chain.send(VersionedTransaction(message, [shop.payer]))
    shop.look()
    assert shop.stands(payment) == PAID

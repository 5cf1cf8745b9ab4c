"""solana-py, over HTTP and websocket, pays in SOL and in an SPL token, reads it all back and is told of it."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest
from solana.rpc.async_api import AsyncClient
from solana.rpc.commitment import Confirmed, Finalized, Processed
from solana.rpc.models import MemcmpOpts, TxOpts
from solana.rpc.websocket_api import SolanaWsClient
from solders.instruction import Instruction
from solders.keypair import Keypair
from solders.message import MessageV0
from solders.rpc.config import RpcTransactionLogsFilterMentions
from solders.signature import Signature
from solders.system_program import TransferParams, transfer
from solders.transaction import VersionedTransaction
from spl.token.instructions import (
    create_idempotent_associated_token_account,
    get_associated_token_address,
    transfer_checked,
)
from spl.token.models import TransferCheckedParams

from mutoscope.engines.solana.chain import LAMPORTS_PER_SOL, TEST_FEE_TOKEN, TEST_USDC, SandboxChain, TestToken

PATIENCE_S = 60.0


async def pay(client: AsyncClient, payer: Keypair, instructions: Sequence[Instruction]) -> Signature:
    newest = await client.get_latest_blockhash(Processed)
    message = MessageV0.try_compile(payer.pubkey(), instructions, [], newest.value.blockhash)
    sent = await client.send_transaction(VersionedTransaction(message, [payer]), TxOpts(preflight_commitment=Processed))
    return sent.value


def tokens(payer: Keypair, recipient: Keypair, token: TestToken, amount: int) -> list[Instruction]:
    """What it takes to transfer a token by the client's own builders."""
    source = get_associated_token_address(payer.pubkey(), token.mint, token.program)
    into = get_associated_token_address(recipient.pubkey(), token.mint, token.program)
    return [
        create_idempotent_associated_token_account(payer.pubkey(), recipient.pubkey(), token.mint, token.program),
        transfer_checked(
            TransferCheckedParams(
                program_id=token.program,
                source=source,
                mint=token.mint,
                dest=into,
                owner=payer.pubkey(),
                amount=amount,
                decimals=token.decimals,
            )
        ),
    ]


async def notified(socket: SolanaWsClient) -> Any:
    return await asyncio.wait_for(socket.recv(), PATIENCE_S)


def test_it_transfers_sol_and_reads_the_balances_before_and_after() -> None:
    payer, recipient = Keypair(), Keypair()

    async def story(chain: SandboxChain) -> None:
        async with AsyncClient(chain.url) as client:
            await client.request_airdrop(payer.pubkey(), LAMPORTS_PER_SOL)
            params = TransferParams(from_pubkey=payer.pubkey(), to_pubkey=recipient.pubkey(), lamports=250_000_000)
            signature = await pay(client, payer, [transfer(params)])
            assert (await client.get_balance(recipient.pubkey(), Processed)).value == 250_000_000
            assert (await client.get_balance(recipient.pubkey(), Finalized)).value == 0
            chain.finalize()
            await client.confirm_transaction(signature, Finalized)
            found = (await client.get_transaction(signature, max_supported_transaction_version=0)).value
            assert found is not None
            meta = found.transaction.meta
            assert meta is not None
            assert meta.fee == 5000
            block = (await client.get_block(found.slot, max_supported_transaction_version=0)).value
            assert block is not None
            assert block.transactions is not None
            assert [str(each.transaction.signatures[0]) for each in block.transactions][-1] == str(signature)
            assert (block.parent_slot, block.block_time) == (found.slot - 1, found.block_time)
            before = (await client.get_block(found.slot - 1, max_supported_transaction_version=0)).value
            assert before is not None
            assert block.previous_blockhash == before.blockhash
            assert found.slot in (await client.get_blocks(found.slot - 1, found.slot + 1)).value
            assert (meta.pre_balances[:2], meta.post_balances[:2]) == (
                [LAMPORTS_PER_SOL, 0],
                [LAMPORTS_PER_SOL - 250_000_000 - 5000, 250_000_000],
            )

    with SandboxChain() as chain:
        asyncio.run(story(chain))


@pytest.mark.parametrize(("token", "arrives"), [(TEST_USDC, 1_500_000), (TEST_FEE_TOKEN, 1_485_000)])
def test_it_transfers_a_token_and_the_fee_of_one_that_takes_it(token: TestToken, arrives: int) -> None:
    payer, recipient = Keypair(), Keypair()

    async def story(chain: SandboxChain) -> None:
        async with AsyncClient(chain.url) as client:
            signature = await pay(client, payer, tokens(payer, recipient, token, 1_500_000))
            chain.finalize()
            account = get_associated_token_address(recipient.pubkey(), token.mint, token.program)
            balance = (await client.get_token_account_balance(account)).value
            assert (balance.amount, balance.decimals) == (str(arrives), 6)
            history = (await client.get_signatures_for_address(account)).value
            assert [line.signature for line in history] == [signature]
            memcmp = MemcmpOpts(offset=32, bytes=str(recipient.pubkey()))
            held = (await client.get_program_accounts(token.program, encoding="base64", filters=[memcmp])).value
            assert [each.pubkey for each in held] == [account]
            nothing = await client.get_program_accounts(token.program, encoding="base64", filters=[memcmp, 1])
            assert nothing.value == []
            found = (await client.get_transaction(signature, "jsonParsed", max_supported_transaction_version=0)).value
            assert found is not None
            assert found.transaction.meta is not None
            after = found.transaction.meta.post_token_balances
            assert after is not None
            mine = [balance for balance in after if balance.owner == recipient.pubkey()]
            assert [(b.mint, b.program_id, b.ui_token_amount.amount) for b in mine] == [
                (token.mint, token.program, str(arrives))
            ]

    with SandboxChain() as chain:
        chain.airdrop(payer.pubkey(), LAMPORTS_PER_SOL)
        chain.give(payer.pubkey(), 5_000_000, token)
        asyncio.run(story(chain))


def test_its_websocket_is_told_of_slots_accounts_logs_and_signatures_as_they_become_sure() -> None:
    payer, recipient = Keypair(), Keypair()

    async def story(chain: SandboxChain) -> None:
        async with AsyncClient(chain.url) as client, SolanaWsClient(chain.websocket_url) as socket:
            account = await socket.account_subscribe(pubkey=recipient.pubkey(), commitment=Processed, encoding="base64")
            await socket.logs_subscribe(
                filter_=RpcTransactionLogsFilterMentions(recipient.pubkey()), commitment=Processed
            )
            params = TransferParams(from_pubkey=payer.pubkey(), to_pubkey=recipient.pubkey(), lamports=2_000_000)
            signature = await pay(client, payer, [transfer(params)])
            logs, changed = await notified(socket), await notified(socket)
            assert logs.result.value.signature == signature
            assert "Program 11111111111111111111111111111111 success" in logs.result.value.logs
            assert changed.result.value.lamports == 2_000_000
            await socket.unsubscribe(account)
            await socket.signature_subscribe(signature=signature, commitment=Confirmed)
            chain.advance(chain.bank.pace.confirmed_after)
            assert (await notified(socket)).result.value.err is None
            await socket.signature_subscribe(signature=signature, commitment=Confirmed)  # already so: told at once
            assert (await notified(socket)).result.value.err is None
            await socket.account_subscribe(pubkey=recipient.pubkey(), commitment=Finalized, encoding="jsonParsed")
            chain.finalize()
            assert (await notified(socket)).result.value.lamports == 2_000_000
            await socket.slot_subscribe()
            chain.advance()
            slot = await notified(socket)
            assert slot.result.slot == chain.bank.head().number
            assert slot.result.parent == slot.result.slot - 1

    with SandboxChain() as chain:
        chain.airdrop(payer.pubkey(), LAMPORTS_PER_SOL)
        asyncio.run(story(chain))


def test_its_websocket_is_told_of_a_programs_accounts_that_fit_its_filters() -> None:
    payer, recipient, other = Keypair(), Keypair(), Keypair()

    async def story(chain: SandboxChain) -> None:
        async with AsyncClient(chain.url) as client, SolanaWsClient(chain.websocket_url) as socket:
            # A token account's owner begins at its byte 32.
            owner = MemcmpOpts(offset=32, bytes=str(recipient.pubkey()))
            await socket.program_subscribe(
                program_id=TEST_USDC.program, commitment=Processed, encoding="base64", filters=[165, owner]
            )
            await pay(client, payer, tokens(payer, other, TEST_USDC, 1_000_000))
            await pay(client, payer, tokens(payer, recipient, TEST_USDC, 2_000_000))
            told = (await notified(socket)).result.value
            assert told.pubkey == TEST_USDC.account_of(recipient.pubkey())
            assert told.account.owner == TEST_USDC.program
            # Where a token account keeps its amount.
            assert int.from_bytes(told.account.data[64:72], "little") == 2_000_000

    with SandboxChain() as chain:
        chain.airdrop(payer.pubkey(), LAMPORTS_PER_SOL)
        chain.give(payer.pubkey(), 5_000_000)
        asyncio.run(story(chain))

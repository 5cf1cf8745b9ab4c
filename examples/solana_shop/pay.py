"""Pays a `solana:` link in SOL with solana-py, as a wallet app does: `python pay.py RPC_URL LINK KEYPAIR_JSON`. Prints the signature."""

import asyncio
import sys
from decimal import Decimal
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from solana.rpc.async_api import AsyncClient
from solana.rpc.commitment import Processed
from solana.rpc.models import TxOpts
from solders.instruction import AccountMeta, Instruction
from solders.keypair import Keypair
from solders.message import MessageV0
from solders.pubkey import Pubkey
from solders.system_program import TransferParams, transfer
from solders.transaction import VersionedTransaction

LAMPORTS = 1_000_000_000


async def pay(rpc_url: str, link: str, payer: Keypair) -> str:
    parts = urlsplit(link)
    fields = parse_qs(parts.query)
    moved = transfer(
        TransferParams(
            from_pubkey=payer.pubkey(),
            to_pubkey=Pubkey.from_string(parts.path),
            lamports=int(Decimal(fields["amount"][0]) * LAMPORTS),
        )
    )
    named = [AccountMeta(Pubkey.from_string(key), False, False) for key in fields.get("reference", [])]
    instruction = Instruction(moved.program_id, moved.data, [*moved.accounts, *named])
    async with AsyncClient(rpc_url) as client:
        newest = await client.get_latest_blockhash(Processed)
        message = MessageV0.try_compile(payer.pubkey(), [instruction], [], newest.value.blockhash)
        sent = await client.send_transaction(
            VersionedTransaction(message, [payer]), TxOpts(preflight_commitment=Processed)
        )
        return str(sent.value)


if __name__ == "__main__":
    keypair = Keypair.from_json(Path(sys.argv[3]).read_text())
    print(asyncio.run(pay(sys.argv[1], sys.argv[2], keypair)))

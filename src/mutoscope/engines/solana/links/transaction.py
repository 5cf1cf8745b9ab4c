"""Transaction requests: a link to an address of the site's, which answers with the transaction that pays.

The wallet asks for label and icon, then names its account and gets an unsigned transaction, to which it adds a fresh
blockhash before it signs. So no node is asked here, and nobody but the payer pays anything.
Source: https://docs.solanapay.com/spec#specification-transaction-request
"""

from __future__ import annotations

from urllib.parse import quote, urlsplit

from solders.hash import Hash
from solders.instruction import AccountMeta, Instruction
from solders.message import Message
from solders.pubkey import Pubkey
from solders.transaction import Transaction

from mutoscope.engines.solana.payments.abstract import AbstractPayment, AbstractToken
from mutoscope.engines.solana.signer import programs


def transaction_link(url: str) -> str:
    """The `solana:` link of such an address. Raises ValueError for an address that no wallet asks."""
    if urlsplit(url).scheme not in ("https", "http"):
        raise ValueError(f"{url!r} is no address on the web")
    return f"solana:{quote(url, safe='') if '?' in url else url}"


def paying_transaction(payment: AbstractPayment, token: AbstractToken, amount: int, payer: str) -> bytes:
    """An unsigned legacy transaction by which `payer` pays `amount` base units to the payment's wallet, naming its reference.

    The transfer comes last. Raises ValueError where `payer` is not an address, or the payment's own wallet.
    """
    sender, to = Pubkey.from_string(payer), Pubkey.from_string(payment.recipient)
    if sender == to:
        raise ValueError("nobody pays himself")
    before: list[Instruction] = []
    if token.mint:
        mint, program = Pubkey.from_string(token.mint), Pubkey.from_string(token.program)
        # Does nothing where the account is there already.
        before.append(programs.create_token_account(sender, to, mint, program))
        origin, into = (programs.token_account(owner, mint, program) for owner in (sender, to))
        moved = programs.send_tokens(program, mint, origin, into, sender, amount, token.decimals)
    else:
        moved = programs.send_lamports(sender, to, amount)
    named = [AccountMeta(Pubkey.from_string(payment.reference), False, False)] if payment.reference else []
    paying = Instruction(moved.program_id, moved.data, [*moved.accounts, *named])
    message = Message.new_with_blockhash([*before, paying], sender, Hash.default())
    return bytes(Transaction.new_unsigned(message))

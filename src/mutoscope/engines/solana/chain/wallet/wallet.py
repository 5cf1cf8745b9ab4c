"""A wallet with play money. Its key lies in the chain's own folder, and is worth nothing anywhere else."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from solders.instruction import AccountMeta, Instruction
from solders.keypair import Keypair
from solders.message import MessageV0
from solders.pubkey import Pubkey
from solders.signature import Signature
from solders.system_program import TransferParams, transfer
from solders.token.associated import get_associated_token_address
from solders.transaction import VersionedTransaction

from mutoscope.engines.solana.chain import programs
from mutoscope.engines.solana.chain.bank import Commitment, Refused
from mutoscope.engines.solana.chain.tokens import LAMPORTS_PER_SOL, TEST_TOKENS, TEST_USDC
from mutoscope.engines.solana.chain.transaction_errors import sentence
from mutoscope.engines.solana.chain.wallet.link import TransferRequest, WrongLink, read_link
from mutoscope.engines.solana.chain.wallet.moved import SOL_DECIMALS, largest_move
from mutoscope.engines.solana.chain.wallet.request import Requested, fetch_request, request_url

if TYPE_CHECKING:
    from mutoscope.engines.solana.chain.sandbox import SandboxChain

U64_MAX = (1 << 64) - 1
# What a new wallet gets, and what it is filled up to when somebody asks.
ALLOWANCE_LAMPORTS = 100 * LAMPORTS_PER_SOL
ALLOWANCE_USDC = 10_000 * 10**TEST_USDC.decimals


class NotPaid(Exception):
    """The chain refused the payment. The message says why; nothing was paid."""


@dataclass(frozen=True, slots=True)
class Quote:
    """What paying a link would do. `amount` in base units of a token with `decimals`."""

    request: TransferRequest
    amount: int
    decimals: int
    symbol: str
    makes_account: bool


class SandboxWallet:
    """One person's wallet on the chain."""

    def __init__(self, chain: SandboxChain, name: str = "viewer") -> None:
        self._chain = chain
        store = chain.store
        with chain.bank.lock:
            secret = store.fact(f"wallet {name}")
            if secret is None:
                secret = bytes(Keypair())
                store.set_fact(f"wallet {name}", secret)
            self._key = Keypair.from_bytes(secret)
            if chain.balance(self.address) == 0:
                self.fill_up()

    @property
    def address(self) -> Pubkey:
        return self._key.pubkey()

    def keypair(self) -> Keypair:
        """For tests and examples that sign with it themselves."""
        return self._key

    def fill_up(self) -> None:
        """Bring it back to what a new wallet has."""
        lamports = ALLOWANCE_LAMPORTS - self._chain.balance(self.address)
        if lamports > 0:
            self._chain.airdrop(self.address, lamports)
        usdc = ALLOWANCE_USDC - self._chain.token_balance(self.address)
        if usdc > 0:
            self._chain.give(self.address, usdc)

    def quote(self, link: str, amount: int | None = None) -> Quote:
        """What paying this link would do. `amount` in base units where the link leaves it open. Raises WrongLink."""
        if (url := request_url(link)) is not None:
            return self._quote_request(url)
        request = read_link(link)
        decimals, symbol, program = SOL_DECIMALS, "SOL", None
        if request.mint is not None:
            mint = self._chain.bank.account(request.mint)
            found = None if mint is None else programs.mint_decimals(mint)
            if mint is None or found is None:
                raise WrongLink("spl-token", "is not a mint on this chain")
            token = TEST_TOKENS.get(request.mint)
            decimals, program = found, mint.owner
            symbol = token.symbol if token else f"{str(request.mint)[:4]}.."
        owner = self._chain.bank.account(request.recipient)
        if owner is not None and owner.owner in programs.TOKEN_PROGRAMS:
            raise WrongLink("recipient", "is a token account; it has to be its owner's wallet")
        wanted = request.base_units(decimals)
        if wanted is None:
            wanted = amount
        elif amount is not None and amount != wanted:
            raise WrongLink("amount", "is fixed by the link")
        if wanted is None:
            raise WrongLink("amount", "is left to you: say how much")
        if not 0 <= wanted <= U64_MAX:
            raise WrongLink("amount", "is more than any account can hold")
        makes = False
        if request.mint is not None and program is not None:
            into = get_associated_token_address(request.recipient, request.mint, program)
            makes = self._chain.bank.account(into) is None
        return Quote(request, wanted, decimals, symbol, makes)

    def pay(self, link: str, amount: int | None = None, *, pay_account: bool = True) -> Signature:
        """Pay a `solana:` link of either kind with a signed transaction. Raises WrongLink and NotPaid.

        `pay_account` makes the recipient's token account where it is missing, at this wallet's expense; without it such
        a link is refused, as some wallets do.
        """
        if (url := request_url(link)) is not None:
            return self._pay_request(url)
        quote = self.quote(link, amount)
        if quote.makes_account and not pay_account:
            raise WrongLink("recipient", "has no account for this token yet")
        instructions = self._instructions(quote)
        with self._chain.bank.lock:
            slot = self._chain.bank.slot(Commitment.PROCESSED)
            blockhash = self._chain.bank.hash_of(slot.number)
            try:
                message = MessageV0.try_compile(self.address, instructions, [], blockhash)
                return self._chain.bank.send(VersionedTransaction(message, [self._key]))
            except Refused as refused:
                raise NotPaid(_reason(refused, quote)) from None

    def _quote_request(self, url: str) -> Quote:
        """What the transaction that a site answers with would move, found out by running it and undoing it."""
        requested = self._fetch(url)
        try:
            execution = self._chain.bank.simulate(VersionedTransaction(requested.message, [self._key]))
        except Refused as refused:
            raise WrongLink("link", f"asks for what the chain would refuse: {sentence(refused.error)}") from None
        if execution.error is not None:
            raise WrongLink("link", f"asks for what the chain would refuse: {sentence(execution.error)}")
        paid = largest_move(execution, self.address)
        if paid is None:
            raise WrongLink("link", "asks for a transaction that pays nobody")
        token = None if paid.mint is None else TEST_TOKENS.get(paid.mint)
        symbol = "SOL" if paid.mint is None else token.symbol if token else f"{str(paid.mint)[:4]}.."
        request = TransferRequest(paid.to, mint=paid.mint, label=requested.label, message=requested.text)
        return Quote(request, paid.amount, paid.decimals, symbol, paid.makes_account)

    def _pay_request(self, url: str) -> Signature:
        """Pay what a transaction request answers with."""
        requested = self._fetch(url)
        try:
            return self._chain.bank.send(VersionedTransaction(requested.message, [self._key]))
        except Refused as refused:
            raise NotPaid(f"The chain refused it: {sentence(refused.error)}") from None

    def _fetch(self, url: str) -> Requested:
        """Ask the site, without the chain's lock: it may take its time."""
        newest = self._chain.bank.slot(Commitment.PROCESSED).number
        return fetch_request(url, self.address, self._chain.bank.hash_of(newest))

    def sign_message(self, text: str) -> Signature:
        """Sign a text that people can read, as wallets do for sites. Raises WrongLink, for its field, where it is none."""
        # A transaction is signed the same way, and is full of bytes that no text has.
        if any(ord(character) < 32 and character not in "\n\t" for character in text):
            raise WrongLink("message", "has characters that no text has: only texts are signed")
        return self._key.sign_message(text.encode())

    def _instructions(self, quote: Quote) -> list[Instruction]:
        """The transfer comes last, and a memo right before it: receivers look there. Source: the specification."""
        request = quote.request
        instructions = []
        # Tells two payments of one link in one slot apart.
        units = 200_000 + int.from_bytes(bytes(Keypair().pubkey())[:2], "big")
        instructions.append(programs.compute_unit_limit(units))
        if request.mint is None:
            params = TransferParams(from_pubkey=self.address, to_pubkey=request.recipient, lamports=quote.amount)
            paying = transfer(params)
        else:
            mint = self._chain.bank.account(request.mint)
            assert mint is not None
            program = mint.owner
            if quote.makes_account:
                instructions.append(
                    programs.create_associated_account(self.address, request.recipient, request.mint, program)
                )
            paying = programs.transfer_token(
                get_associated_token_address(self.address, request.mint, program),
                request.mint,
                get_associated_token_address(request.recipient, request.mint, program),
                self.address,
                quote.amount,
                quote.decimals,
                program,
            )
        if request.memo is not None:
            instructions.append(programs.memo(request.memo))
        references = [AccountMeta(reference, False, False) for reference in request.references]
        instructions.append(Instruction(paying.program_id, paying.data, [*paying.accounts, *references]))
        return instructions


def _reason(refused: Refused, quote: Quote) -> str:
    error = refused.error
    if isinstance(error, dict) and "InsufficientFundsForRent" in error:
        return "A new account cannot hold so little: Solana wants at least 0.00089088 SOL in it."
    logs = " ".join(refused.execution.logs) if refused.execution else ""
    if "insufficient" in logs.lower():
        return f"This wallet holds less {quote.symbol} than that."
    return f"The chain refused it: {sentence(error)}"

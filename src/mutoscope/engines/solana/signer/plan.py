"""From a job to instructions, or to the reason why not. Nothing here asks the chain: it is told what the accounts hold."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from solders.instruction import Instruction
from solders.pubkey import Pubkey
from solders.system_program import ID as SYSTEM

from mutoscope.engines.solana.signer.chain import Account, TokenBalance
from mutoscope.engines.solana.signer.configuration import Configuration, Token
from mutoscope.engines.solana.signer.models import Kind, SignerJob
from mutoscope.engines.solana.signer.programs import (
    TOKEN_2022,
    WRAPPED_SOL,
    close_token_account,
    create_token_account,
    harvest_withheld_fees,
    send_lamports,
    send_tokens,
    token_account,
)
from mutoscope.engines.solana.signer.seeds import WALLETS, Operator
from mutoscope.engines.solana.signer.vault import KeyName

Accounts = Mapping[str, Account | None]

SHORT_RETRY_S = 30.0
CAP_RETRY_S = 600.0


class Refused(Exception):
    """The job will not be done, now or later."""


class NotNow(Exception):
    """The job cannot be done at the moment; `seconds` until it is looked at again."""

    def __init__(self, reason: str, seconds: float) -> None:
        super().__init__(reason)
        self.seconds = seconds


@dataclass(frozen=True, slots=True)
class Plan:
    """What one job needs in a transaction. `amount` in base units; `rent` are lamports that the fee account may pay beside the fee."""

    job: SignerJob
    instructions: tuple[Instruction, ...]
    signers: tuple[KeyName, ...]
    origin: str
    destination: str
    amount: int
    token: Token
    rent: int = 0


@dataclass(frozen=True, slots=True)
class Rent:
    """Lamports that keep alive: a wallet, and the largest token account that is made here."""

    wallet: int
    token_account: int


@dataclass(frozen=True, slots=True)
class Move:
    """Base units of one token, from one key's wallet to another wallet."""

    token: Token
    key: KeyName
    to: str


class Planner:
    """Plans by one configuration. `reserved` tells what signed transactions may still take from a wallet, by (address, mint)."""

    def __init__(self, configuration: Configuration, operator: Operator, rent: Rent) -> None:
        self.configuration = configuration
        self.operator = operator
        self.rent = rent

    def token(self, job: SignerJob) -> Token:
        """The configured token of a job. Raises Refused."""
        token = self.configuration.tokens.get(job.mint)
        if token is None:
            raise Refused(f"The token {job.mint or 'SOL'} is not in the signer's configuration.")
        return token

    def addresses(self, job: SignerJob) -> list[str]:
        """The accounts that must be known to plan this job, which is no refund. Raises Refused."""
        token = self.token(job)
        if job.kind == Kind.RECLAIM:
            return [_holding(token, _wallet(job))]
        if job.kind == Kind.SWEEP:
            return self._both(token, _wallet(job), token.sweep_to)
        return self._both(token, self.operator.payout.address, job.destination)

    def addresses_of_refund(self, token: Token, origin: KeyName, to: str) -> list[str]:
        """The same for a refund from one of our accounts; and of the payout account, should that one be empty by now."""
        own = self._both(token, origin.address, to)
        return own + self._both(token, self.operator.payout.address, to) if token.is_listed else own

    def _both(self, token: Token, origin: str, to: str) -> list[str]:
        return list(dict.fromkeys([origin, to, _holding(token, origin), _holding(token, to)]))

    def sweep(self, job: SignerJob, accounts: Accounts) -> Plan:
        """All of one token, at most the cap. Raises Refused, NotNow."""
        token = self.token(job)
        if job.destination and job.destination != token.sweep_to:
            raise Refused("A sweep goes where the signer's configuration says, and the request names another address.")
        move = Move(token, wallet_key(job), token.sweep_to)
        balance = _balance(token, accounts, move.key.address)
        if balance == 0:
            raise Refused("There is nothing to sweep.")
        amount = min(balance, token.sweep.each)
        if amount == 0:
            raise Refused(f"The signer's configuration lets no {token.name} be swept (sweep_max).")
        return self._plan(job, move, amount, accounts)

    def reclaim(self, job: SignerJob, accounts: Accounts) -> Plan:
        """Close an empty token account. Raises Refused, above all when money is inside."""
        token = self.token(job)
        key = wallet_key(job)
        if token.program is None or token.mint == str(WRAPPED_SOL):
            raise Refused("Only accounts of tokens are closed: closing one of SOL would give away what is inside.")
        mint = Pubkey.from_string(token.mint)
        address = token_account(Pubkey.from_string(key.address), mint, token.program)
        account = accounts[str(address)]
        if account is None:
            raise Refused("There is no account to close.")
        held = _token_balance(token, account, key.address)
        if held.amount > 0:
            raise Refused(f"Money is inside: {held.amount} base units of {token.name}. Sweep it first.")
        fee = Pubkey.from_string(self.operator.fee.address)
        close = close_token_account(token.program, address, fee, Pubkey.from_string(key.address))
        # Always: fees may be withheld between this look and the closing, and harvesting nothing costs nothing.
        before = (
            (harvest_withheld_fees(mint, address),) if token.program == TOKEN_2022 and held.withheld is not None else ()
        )
        return Plan(job, (*before, close), (key,), key.address, self.operator.fee.address, account.lamports, token)

    def payout(self, job: SignerJob, accounts: Accounts, reserved: int) -> Plan:
        """An exact amount from the payout account. Raises Refused, NotNow."""
        token = self.token(job)
        return self._exact(job, Move(token, self.operator.payout, job.destination), accounts, reserved)

    def refund(self, job: SignerJob, token: Token, origin: KeyName, to: str, accounts: Accounts, reserved: int) -> Plan:
        """An exact amount back to who paid. Raises Refused, NotNow."""
        return self._exact(job, Move(token, origin, to), accounts, reserved)

    def covers(self, job: SignerJob, token: Token, origin: KeyName, accounts: Accounts) -> bool:
        """Whether a wallet holds what this refund needs, and can be left in a lawful state."""
        left = _balance(token, accounts, origin.address) - (job.amount or 0)
        return left == 0 or (left > 0 and (bool(token.mint) or left >= self.rent.wallet))

    def _exact(self, job: SignerJob, move: Move, accounts: Accounts, reserved: int) -> Plan:
        amount = job.amount or 0
        caps = move.token.caps(job.kind)
        if amount > caps.each:
            raise Refused(
                f"{amount} base units of {move.token.name} are above the signer's cap for one {job.kind}, {caps.each}."
            )
        _check_wallet(move.to, accounts[move.to])
        available = _balance(move.token, accounts, move.key.address) - reserved
        kept = 0 if move.token.mint else self.rent.wallet
        if move.key.purpose == WALLETS and available == amount:
            # A one-time wallet may be emptied.
            kept = 0
        if available < amount + kept:
            raise NotNow(
                f"The account {move.key.address} is short: it has {available} base units of {move.token.name} to give.",
                SHORT_RETRY_S,
            )
        return self._plan(job, move, amount, accounts)

    def _plan(self, job: SignerJob, move: Move, amount: int, accounts: Accounts) -> Plan:
        owner, to = Pubkey.from_string(move.key.address), Pubkey.from_string(move.to)
        token, rent = move.token, 0
        if token.program is None:
            if accounts[move.to] is None and amount < self.rent.wallet:
                raise Refused(
                    f"{move.to} does not exist yet, and less than {self.rent.wallet} lamports cannot open it."
                )
            instructions: tuple[Instruction, ...] = (send_lamports(owner, to, amount),)
        else:
            mint = Pubkey.from_string(token.mint)
            origin, target = (token_account(each, mint, token.program) for each in (owner, to))
            transfer = send_tokens(token.program, mint, origin, target, owner, amount, token.decimals)
            instructions = (transfer,)
            if accounts[str(target)] is None and not token.is_listed:
                # Whoever makes a token for nothing would have accounts opened at the fee account's expense.
                raise Refused(
                    f"{move.to} has no account for {token.name} any more, and none is opened for a token that is not in the "
                    "signer's configuration."
                )
            if accounts[str(target)] is None:
                rent = self.rent.token_account
                payer = Pubkey.from_string(self.operator.fee.address)
                instructions = (create_token_account(payer, to, mint, token.program), transfer)
            else:
                _token_balance(token, accounts[str(target)], move.to)
        return Plan(job, instructions, (move.key,), move.key.address, move.to, amount, token, rent)


def wallet_key(job: SignerJob) -> KeyName:
    """The key of the one-time wallet that a job is about. Raises Refused."""
    if job.wallet is None:
        raise Refused("The job names no wallet.")
    return KeyName(WALLETS, job.wallet.epoch, job.wallet.index, job.wallet.address)


def _wallet(job: SignerJob) -> str:
    return wallet_key(job).address


def _holding(token: Token, owner: str) -> str:
    """The account that holds a wallet's token: its associated token account, or for SOL the wallet itself."""
    if token.program is None:
        return owner
    return str(token_account(Pubkey.from_string(owner), Pubkey.from_string(token.mint), token.program))


def _balance(token: Token, accounts: Accounts, owner: str) -> int:
    account = accounts[_holding(token, owner)]
    if account is None:
        return 0
    if token.program is None:
        return account.lamports
    return _token_balance(token, account, owner).amount


def _token_balance(token: Token, account: Account | None, owner: str) -> TokenBalance:
    held = account.token() if account is not None and account.owner == token.program else None
    if held is None or str(held.mint) != token.mint or str(held.owner) != owner:
        # The address is derived, so this is somebody's SetAuthority, or a node that lies.
        raise Refused(f"The token account of {owner} for {token.name} is not what it should be: another owner or mint.")
    return held


def _check_wallet(address: str, account: Account | None) -> None:
    """A destination is a wallet: on the curve, and of no program but the system's. Raises Refused."""
    if not Pubkey.from_string(address).is_on_curve():
        raise Refused(f"{address} is not a wallet: nobody can hold a key to it.")
    if account is not None and (account.owner != SYSTEM or account.executable):
        raise Refused(f"{address} is not a wallet: it belongs to the program {account.owner}.")


def all_signers(plans: Sequence[Plan]) -> list[KeyName]:
    """Every key that a transaction of these plans needs, once, beside the fee payer's."""
    return list(dict.fromkeys(key for plan in plans for key in plan.signers))

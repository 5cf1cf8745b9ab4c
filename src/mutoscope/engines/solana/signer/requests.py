"""What everybody else may ask of the signer: rows in its table of jobs. Web and workers hold no key, and give none.

Each function runs in the caller's transaction, asks no chain, and returns the job. The same key with the same content returns the job
there is; with other content it raises KeyReused.
"""

from __future__ import annotations

from typing import Any

from django.db import DEFAULT_DB_ALIAS
from solders.pubkey import Pubkey
from solders.signature import Signature

from mutoscope.engines.postgres.named_sql import SqlFile
from mutoscope.engines.services import Failure
from mutoscope.engines.solana.signer.models import KEY_LENGTH_MAX, Kind, SignerJob
from mutoscope.engines.solana.wallets.models import Wallet

SQL = SqlFile("mutoscope.engines.solana", "signer/requests.sql")
# What a bigint holds. A token amount can be larger on chain, and is then refused here rather than cut.
AMOUNT_MAX = 2**63 - 1
POOL_AT_ONCE_MAX = 100_000
ASKED_AGAIN_MAX = 10


class KeyReused(Failure):
    """This idempotency key was used to ask the signer for something else."""

    key: str
    job_id: int


class MalformedRequest(Failure):
    """A request to the signer with a field that cannot be right."""

    field: str
    problem: str


def request_sweep(
    wallet: Wallet, mint: str = "", *, key: str | None = None, using: str = DEFAULT_DB_ALIAS
) -> SignerJob:
    """Move all of one token (empty mint: SOL) from a one-time wallet to where the signer's configuration says.

    While such a job is under way for this wallet and mint, that one is returned: what arrives meanwhile needs a later request.
    """
    return _of_wallet(Kind.SWEEP, wallet, _mint(mint), key, using)


def request_reclaim(wallet: Wallet, mint: str, *, key: str | None = None, using: str = DEFAULT_DB_ALIAS) -> SignerJob:
    """Close a one-time wallet's empty token account and return its rent to the fee account. Voided while money is inside."""
    if not mint:
        raise MalformedRequest(field="mint", problem="a reclaim closes a token account, and SOL has none")
    return _of_wallet(Kind.RECLAIM, wallet, _mint(mint), key, using)


def request_refund(
    key: str,
    *,
    receipt: str,
    receiver: str,
    amount: int,
    mint: str = "",
    destination: str = "",
    using: str = DEFAULT_DB_ALIAS,
) -> SignerJob:
    """Send back some of what one transaction brought.

    `receipt` is that transaction's signature, `receiver` the wallet of ours that it paid, `amount` base units. The signer reads the transaction
    itself: it sends to nobody but who paid, and never more in all than came. `destination` picks one of several payers.
    """
    return _ask(
        using,
        key=_key(key),
        kind=Kind.REFUND,
        mint=_mint(mint),
        amount=_amount(amount),
        receipt=_signature(receipt),
        receiver=_address("receiver", receiver),
        destination=_address("destination", destination) if destination else "",
    )


def request_payout(
    key: str, *, destination: str, amount: int, mint: str = "", using: str = DEFAULT_DB_ALIAS
) -> SignerJob:
    """Pay base units from the payout account to a wallet. Its token account is made where it is missing.

    Refused at once when the destination is no wallet's address; the signer refuses later what turns out to be a program or a token account.
    """
    wallet = _address("destination", destination)
    if not Pubkey.from_string(wallet).is_on_curve():
        raise MalformedRequest(field="destination", problem="nobody can hold a key to it: it is a program's address")
    return _ask(using, key=_key(key), kind=Kind.PAYOUT, mint=_mint(mint), amount=_amount(amount), destination=wallet)


def request_wallets(key: str, count: int, *, using: str = DEFAULT_DB_ALIAS) -> SignerJob:
    """Ask for that many more free wallets, before a rush. The pool refills by itself otherwise."""
    if not 0 < _amount(count) <= POOL_AT_ONCE_MAX:
        raise MalformedRequest(field="amount", problem=f"above {POOL_AT_ONCE_MAX}")
    return _ask(using, key=_key(key), kind=Kind.DERIVE, amount=count)


def find_job(key: str, *, using: str = DEFAULT_DB_ALIAS) -> SignerJob | None:
    """The job of an idempotency key."""
    return SignerJob.objects.using(using).filter(key=key).first()


def _of_wallet(kind: Kind, wallet: Wallet, mint: str, key: str | None, using: str) -> SignerJob:
    if key is None:
        rows = SQL.fetch(using, "under_way", {"kind": kind, "wallet": wallet.pk, "mint": mint})
        if rows:
            return SignerJob.objects.using(using).get(pk=rows[0][0])
        ((number,),) = SQL.fetch(using, "how_many", {"kind": kind, "wallet": wallet.pk, "mint": mint})
        key = f"{kind}:{wallet.address}:{mint or 'SOL'}:{number + 1}"
    return _ask(using, key=_key(key), kind=kind, wallet_id=wallet.pk, mint=mint)


ASKED = ("kind", "wallet_id", "mint", "destination", "amount", "receipt", "receiver")


def _ask(using: str, **asked: Any) -> SignerJob:
    whole = {"wallet_id": None, "mint": "", "destination": "", "amount": None, "receipt": "", "receiver": "", **asked}
    whole["kind"] = str(whole["kind"])
    for _ in range(ASKED_AGAIN_MAX):
        SQL.run(using, "ask", whole)
        job = SignerJob.objects.using(using).filter(key=whole["key"]).first()
        if job is not None:
            break
        # Not by its key: the one that is under way for the same account stood in its way. Should it end at this very moment, ask again.
        account = {"kind": whole["kind"], "wallet": whole["wallet_id"], "mint": whole["mint"]}
        rows = SQL.fetch(using, "under_way", account)
        if rows:
            return SignerJob.objects.using(using).get(pk=rows[0][0])
    assert job is not None, "jobs of this account end faster than they can be asked for"
    if any(getattr(job, name) != whole[name] for name in ASKED):
        raise KeyReused(key=job.key, job_id=job.pk)
    return job


def _key(key: str) -> str:
    if not key or len(key) > KEY_LENGTH_MAX or "\x00" in key:
        raise MalformedRequest(field="key", problem=f"not 1 to {KEY_LENGTH_MAX} characters")
    return key


def _amount(amount: int) -> int:
    # True is an int to Python, and no amount of money.
    if type(amount) is not int or not 0 < amount <= AMOUNT_MAX:
        raise MalformedRequest(field="amount", problem="not a whole number of base units above zero")
    return amount


def _mint(mint: str) -> str:
    return _address("mint", mint) if mint else ""


def _address(field: str, text: str) -> str:
    try:
        return str(Pubkey.from_string(text))
    except (ValueError, TypeError):
        raise MalformedRequest(field=field, problem="not an address") from None


def _signature(text: str) -> str:
    try:
        return str(Signature.from_string(text))
    except (ValueError, TypeError):
        raise MalformedRequest(field="receipt", problem="not a transaction's signature") from None

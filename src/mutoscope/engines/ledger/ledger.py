"""The ledger's one door for Python. Each method is one round trip on Django's own connection, inside the caller's transaction.

Refusals are `Failure`s and write nothing: the caller's transaction stays usable. A malformed transfer is a bug, and dooms it.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from django.db import DEFAULT_DB_ALIAS, DataError, IntegrityError
from psycopg.errors import NumericValueOutOfRange

from mutoscope.engines.ledger.accounts import Account
from mutoscope.engines.ledger.balances import Balance, Statement, StatementLine, TrialBalanceLine
from mutoscope.engines.ledger.batches import Batch
from mutoscope.engines.ledger.checking import (
    InvalidTransfer,
    check_lasts,
    check_moment,
    check_text,
    check_whole,
    metadata_text,
)
from mutoscope.engines.ledger.failures import (
    AccountDiffers,
    AlreadyEnded,
    HoldExpired,
    InsufficientFunds,
    KeyReused,
    LinkedRefused,
    MalformedTransfer,
    UnknownTransfer,
)
from mutoscope.engines.ledger.queries import QUERIES, aware, own_statement
from mutoscope.engines.ledger.transfers import (
    Leg,
    Receipt,
    Transfer,
    array_text,
    as_payment,
    check_legs,
    in_order,
    legs_text,
    moment_text,
    quoted,
)
from mutoscope.engines.postgres.errors import violated
from mutoscope.engines.postgres.prepared import Value, fetch_prepared
from mutoscope.engines.services import Failure

Outcome = tuple[Any, ...]
PAGE_LINES_MAX = 1000
HOLDS_EXPIRED_MAX = 1_000_000


class Ledger:
    """One ledger, in the database that `using` names. Holds no state; share it between threads."""

    def __init__(self, using: str = DEFAULT_DB_ALIAS) -> None:
        self.using = using

    # Accounts

    def open_account(self, owner: str, kind: str, currency: str, *, may_go_negative: bool = False) -> Account:
        """Open an account, or return the one that is open already.

        Raises AccountDiffers when the account exists
        with another limit.
        """
        for name, value in (("owner", owner), ("kind", kind), ("currency", currency)):
            check_text(name, value)
        if type(may_go_negative) is not bool:
            raise InvalidTransfer("may_go_negative", f"must be True or False, not {may_go_negative!r}")
        asked = {
            "owner": owner,
            "kind": kind,
            "currency": currency,
            "may_go_negative": may_go_negative,
        }
        outcome, account_id = QUERIES.fetch_one(self.using, "open_account", asked)
        if outcome == "differs":
            raise AccountDiffers(account_id=account_id)
        return Account(account_id, owner, kind, currency, may_go_negative)

    def find_account(self, owner: str, kind: str, currency: str) -> Account | None:
        """The account, or None."""
        rows = QUERIES.fetch(self.using, "find_account", {"owner": owner, "kind": kind, "currency": currency})
        return Account(*rows[0]) if rows else None

    def accounts(self, owner: str | None = None, *, after: int = 0, limit: int = PAGE_LINES_MAX) -> list[Account]:
        """Accounts in the order of their ids, of one owner or of all."""
        check_whole("after", after, 0)
        check_whole("limit", limit)
        rows = QUERIES.fetch(self.using, "accounts", {"owner": owner, "after": after, "limit": limit})
        return [Account(*row) for row in rows]

    # Posting

    def post(self, transfer: Transfer) -> Receipt:
        """Post one transfer. Raises InsufficientFunds or KeyReused, having written nothing."""
        query, asked = _asked(transfer)
        outcome = self._said(query, asked)[0]
        if outcome[0] == "posted":
            return Receipt(outcome[1], aware(self.using, outcome[2]))
        return self._receipt(transfer.key, None, outcome)

    def post_with(self, transfer: Transfer, statement: str, values: tuple[Value, ...] = ()) -> Receipt:
        """Post one transfer and write what belongs to it, an order or a right, in the same round trip: all of it or nothing.

        `statement` is an INSERT, UPDATE or DELETE of yours that reads `posted (transfer_id, recorded_at)`: one row, and none
        when the transfer was refused or is a repeat, so what it writes is written once. Its values are `%s`, with a cast such
        as `%s::bigint` where PostgreSQL cannot see the type, and a `%` of its own is `%%`. It sees the database as it was before.
        Raises InsufficientFunds or KeyReused, having written nothing, InvalidTransfer for values that are not as many as the
        statement takes, and what your statement raises.
        """
        own, places = own_statement(statement)
        if len(values) != places:
            raise InvalidTransfer("values", f"must be {places}, one for each %s of the statement, not {len(values)}")
        query, asked = _asked(transfer)
        outcome = self._said("with_own", (*asked, *values), post=QUERIES.statements[query], own=own)[0]
        return self._receipt(transfer.key, None, outcome)

    def post_each(self, transfers: Sequence[Transfer | tuple[Transfer, ...]]) -> list[Receipt | Failure]:
        """Post many transfers in one statement. Returns what became of each, in their order, tuples laid flat.

        A tuple of transfers is linked: all of it posts, or none, and later transfers of it may spend what earlier ones
        bring. Otherwise an account's debits are accepted as the longest prefix that its balance at the start covers. The same
        transfer given again has the outcome of the first.
        """
        batch = Batch.of(transfers)
        if not batch.transfers:
            return []
        places = batch.sent()
        sent = [batch.transfers[place] for place in places]
        orders = [in_order(transfer.legs) for transfer in sent]
        asked = (
            array_text([quoted(transfer.key) for transfer in sent]),
            array_text(["NULL" if link is None else str(link) for link in (batch.links[place] for place in places)]),
            array_text([quoted(metadata_text(transfer.metadata)) for transfer in sent]),
            array_text([moment_text(transfer.effective_at) for transfer in sent]),
            array_text([str(number) for number, (accounts, _) in enumerate(orders, start=1) for _ in accounts]),
            array_text([str(account) for accounts, _ in orders for account in accounts]),
            array_text([str(amount) for _, amounts in orders for amount in amounts]),
        )
        rows = self._said("post_many", asked)
        answers = [self._judge(transfer.key, None, row) for transfer, row in zip(sent, rows, strict=True)]
        return batch.outcomes(dict(zip(places, answers, strict=True)))

    def post_linked(self, *transfers: Transfer) -> list[Receipt]:
        """Post all of these transfers, or none. Raises the failure of the first that was refused on its own account."""
        results = self.post_each([tuple(transfers)])
        refusals = [result for result in results if isinstance(result, Failure)]
        if refusals:
            raise next((refusal for refusal in refusals if not isinstance(refusal, LinkedRefused)), refusals[0])
        return [result for result in results if isinstance(result, Receipt)]

    def reverse(
        self,
        transfer_id: int,
        key: str,
        metadata: Mapping[str, Any] | None = None,
        effective_at: datetime | None = None,
    ) -> Receipt:
        """Post the opposite of a transfer, once. Raises UnknownTransfer, AlreadyEnded, InsufficientFunds or KeyReused."""
        check_whole("transfer_id", transfer_id)
        check_text("key", key)
        if effective_at is not None:
            check_moment("effective_at", effective_at)
        asked = {
            "key": key,
            "transfer": transfer_id,
            "metadata": metadata_text(metadata or {}),
            "effective_at": effective_at,
        }
        return self._receipt(key, transfer_id, self._ask("reverse", asked))

    # Holds

    def hold(self, transfer: Transfer, *, lasts: timedelta | None = None) -> Receipt:
        """Set aside what a transfer would take, without posting it. It expires after `lasts`, of at most a hundred years, if given.

        Raises InsufficientFunds or KeyReused. The receipt's transfer_id is the hold's. A repeat leaves the expiry as it was, whatever
        `lasts` it comes with: that is counted from the first request.
        """
        if lasts is not None:
            check_lasts(lasts)
        if transfer.effective_at is not None:
            raise InvalidTransfer("effective_at", "belongs to the posting of a hold, not to the hold")
        accounts, amounts = in_order(transfer.legs)
        asked = {
            "key": transfer.key,
            "accounts": accounts,
            "amounts": amounts,
            "metadata": metadata_text(transfer.metadata),
            "lasts": lasts,
        }
        return self._receipt(transfer.key, None, self._ask("hold", asked))

    def post_hold(
        self, hold_id: int, key: str, legs: tuple[Leg, ...] | None = None, metadata: Mapping[str, Any] | None = None
    ) -> Receipt:
        """Post a hold in whole, or in part by legs that stay within its plan; the rest is released.

        Raises UnknownTransfer, AlreadyEnded, HoldExpired or KeyReused.
        """
        check_whole("hold_id", hold_id)
        check_text("key", key)
        if legs is not None:
            check_legs(legs)
        accounts, amounts = (None, None) if legs is None else in_order(legs)
        asked = {
            "key": key,
            "hold": hold_id,
            "accounts": accounts,
            "amounts": amounts,
            "metadata": metadata_text(metadata or {}),
        }
        return self._receipt(key, hold_id, self._ask("post_hold", asked))

    def void_hold(self, hold_id: int, key: str, metadata: Mapping[str, Any] | None = None) -> Receipt:
        """Release a hold, expired or not. Raises UnknownTransfer, AlreadyEnded or KeyReused."""
        check_whole("hold_id", hold_id)
        check_text("key", key)
        asked = {"key": key, "hold": hold_id, "metadata": metadata_text(metadata or {})}
        return self._receipt(key, hold_id, self._ask("void_hold", asked))

    def expire_holds(self, limit: int = 100) -> int:
        """Release up to `limit` holds whose time is over. Returns how many; call it often, from one place."""
        check_whole("limit", limit, 1, HOLDS_EXPIRED_MAX)
        return int(QUERIES.fetch_one(self.using, "expire_holds", {"limit": limit})[0])

    # Answers

    def balance(self, account: Account | int) -> Balance:
        """What the account holds now. Raises LookupError for an account that does not exist."""
        rows = QUERIES.fetch(self.using, "balance", {"account": _id(account)})
        if not rows:
            raise _no_account(account)
        return Balance(*rows[0])

    def balance_at(self, account: Account | int, moment: datetime, *, by_effective_time: bool = False) -> int:
        """Balance from the transfers recorded up to a moment, or that count from a moment up to it.

        Exact once every transaction that was running at the moment has ended. Raises LookupError for an account that does not exist.
        """
        check_moment("moment", moment)
        asked = {"account": _id(account), "moment": moment}
        rows = QUERIES.fetch(self.using, "balance_at", asked)
        if not rows:
            raise _no_account(account)
        balance = int(rows[0][0])
        if by_effective_time:
            balance += int(QUERIES.fetch_one(self.using, "backdating_at", asked)[0])
        return balance

    def statement(self, account: Account, *, after: int = 0, limit: int = 100) -> Statement:
        """One page of an account's transfers with the balance after each. `after` is a transfer id, or 0 for the first page.

        Raises LookupError for an account that does not exist.
        """
        page = self._statement(account, after, limit, None)
        if not page.lines:
            self.balance(account)
        return page

    def _statement(self, account: Account, after: int, limit: int, opening: int | None) -> Statement:
        check_whole("after", after, 0)
        check_whole("limit", limit, 1, PAGE_LINES_MAX)
        asked = {"account": account.id, "after": after, "limit": limit + 1, "opening": opening}
        rows = QUERIES.fetch(self.using, "statement", asked)
        lines = tuple(
            StatementLine(
                row[0],
                aware(self.using, row[1]),
                aware(self.using, row[2]),
                row[3],
                row[4],
                row[5],
                row[6],
                json.loads(row[7]),
            )
            for row in rows[:limit]
        )
        return Statement(account, lines, lines[-1].transfer_id if len(rows) > limit else None)

    def statement_pages(self, account: Account, *, after: int = 0, limit: int = PAGE_LINES_MAX) -> Iterator[Statement]:
        """Every page of a statement, one at a time. Each begins with the balance at which the one before ended: none counts anew.

        A transfer that is committed meanwhile under a lower number than the last one sent is in none of them: read them in one REPEATABLE
        READ transaction for a statement of one moment.
        """
        page = self.statement(account, after=after, limit=limit)
        yield page
        while page.next_after is not None:
            page = self._statement(account, page.next_after, limit, page.lines[-1].balance)
            yield page

    def trial_balance(self) -> list[TrialBalanceLine]:
        """Balances by currency and kind of account. The balances of each currency sum to zero."""
        rows = QUERIES.fetch(self.using, "trial_balance")
        return [TrialBalanceLine(row[0], row[1], row[2], int(row[3]), int(row[4])) for row in rows]

    # From outcomes to receipts and failures

    def _ask(self, query: str, asked: dict[str, Any] | tuple[Any, ...]) -> Outcome:
        with _naming_legs():
            return QUERIES.fetch_one(self.using, query, asked)

    def _said(self, query: str, asked: tuple[Value, ...], **parts: str) -> list[Outcome]:
        """As _ask, for what is asked all the time: prepared, and past psycopg's cursor. `parts` are statements within it."""
        statement = QUERIES.statements[query]
        if parts:
            statement = statement.format(**parts)
        with _naming_legs(with_own=bool(parts)):
            return fetch_prepared(self.using, statement, asked)

    def _receipt(self, key: str, refers_to: int | None, outcome: Outcome) -> Receipt:
        judged = self._judge(key, refers_to, outcome)
        if isinstance(judged, Failure):
            raise judged
        return judged

    def _judge(self, key: str, refers_to: int | None, outcome: Outcome) -> Receipt | Failure:
        word, transfer_id, recorded_at, account_id, needed, available = outcome
        if word in ("posted", "repeated"):
            return Receipt(transfer_id, aware(self.using, recorded_at), word == "repeated")
        if word == "insufficient":
            return InsufficientFunds(account_id=account_id or 0, needed=needed or 0, available=available or 0)
        if word == "key_reused":
            return KeyReused(key=key, transfer_id=transfer_id)
        if word == "malformed":
            return MalformedTransfer(key=key)
        if word == "linked":
            return LinkedRefused(key=key)
        if word == "unknown":
            return UnknownTransfer(transfer_id=refers_to or 0)
        if word == "ended":
            return AlreadyEnded(transfer_id=refers_to or 0, ended_by=transfer_id or 0)
        if word == "expired":
            return HoldExpired(transfer_id=refers_to or 0)
        raise RuntimeError(f"the database answered {word!r}, which this release does not know")


# Constraints that a well-typed request can still break: each is the caller's mistake, named after what it did.
_PROBLEMS = {
    "ledger_transfer_balanced": "must balance in each currency, between accounts that exist",
    "ledger_transfer_legs_ordered": "must name each account once",
    "ledger_transfer_faithful": "must stay within the hold's plan",
}


@contextlib.contextmanager
def _naming_legs(*, with_own: bool = False) -> Iterator[None]:
    """Turn what the database found wrong with legs into InvalidTransfer."""
    try:
        yield
    except IntegrityError as error:
        problem = _PROBLEMS.get(violated(error))
        if problem is None:
            raise
        raise InvalidTransfer("legs", problem) from error
    except DataError as error:
        # Amounts are within bounds here, so it is a sum that is not. With a statement of the caller's it may be theirs.
        if with_own or not isinstance(error.__cause__, NumericValueOutOfRange):
            raise
        raise InvalidTransfer("legs", "would bring a balance out of range, which is -2^63 to 2^63 - 1") from error


def _asked(transfer: Transfer) -> tuple[str, tuple[Value, ...]]:
    """The query that posts a transfer, and its values. Nearly every transfer is a payment, for which there is a quicker door."""
    metadata = metadata_text(transfer.metadata)
    if transfer.effective_at is None:
        payment = as_payment(transfer.legs)
        if payment is not None:
            return "pay", (transfer.key, *payment, metadata)
        return "post", (transfer.key, *legs_text(transfer.legs), metadata)
    return "post_backdated", (transfer.key, *legs_text(transfer.legs), metadata, transfer.effective_at)


def _id(account: Account | int) -> int:
    number = account.id if isinstance(account, Account) else account
    check_whole("account", number)
    return number


def _no_account(account: Account | int) -> LookupError:
    return LookupError(f"there is no account {_id(account)}")

"""Walking through accounts' transactions, newest first, a bounded number at a time, and recording what is final.

Where a walk stands is kept in the account's row, and moves only after what it passed is recorded.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from mutoscope.engines.solana.payments.domain.deltas import Transaction, Unreadable
from mutoscope.engines.solana.payments.models import Transfer
from mutoscope.engines.solana.payments.recording import Finding, find, record
from mutoscope.engines.solana.payments.rows import update_rows
from mutoscope.engines.solana.payments.swapped import token_model
from mutoscope.engines.solana.rpc import questions
from mutoscope.engines.solana.rpc.client import Answer, Rpc
from mutoscope.engines.solana.rpc.errors import NotAgreed, RpcRefused
from mutoscope.engines.solana.rpc.questions import Mention
from mutoscope.engines.solana.watcher.models import WatchedAccount

log = logging.getLogger(__name__)

RECORDED_AT_ONCE = 100
# A first walk goes back to when the account began to be watched, and so much further: clocks differ.
CLOCKS_DIFFER = timedelta(minutes=5)
_CURSOR = ("until_signature", "until_slot", "head_signature", "head_slot", "before_signature")


@dataclass
class Walked:
    """One account's part of a step. `unfinal` may still vanish; `is_complete`: everything final is recorded."""

    account: WatchedAccount
    page: list[Mention] = field(default_factory=list)
    is_last: bool = False
    is_complete: bool = False
    unfinal: list[Mention] = field(default_factory=list)

    def final(self) -> list[Mention]:
        """What has to be recorded. A failed transaction moved only its fee, which nobody who receives pays."""
        return [each for each in self.page if each.is_final and not each.is_failed and not self.is_before(each)]

    def is_before(self, mention: Mention) -> bool:
        """Whether an earlier walk has dealt with it: a node that forgot `until` lists everything below it again."""
        if self.account.until_signature:
            return mention.slot < self.account.until_slot
        return mention.block_time is not None and mention.block_time < self.account.since - CLOCKS_DIFFER


def step(rpc: Rpc, pool: ThreadPoolExecutor, accounts: Sequence[WatchedAccount], limit: int) -> list[Walked]:
    """Take each account's walk one page of up to `limit` transactions further; record what is final in it.

    One call for each account and one for each transaction that is not known yet. Raises RpcUnavailable; what was recorded
    by then stays, and no cursor has moved past anything that was not.
    """
    walks = [walked for walked in pool.map(lambda account: _ask(rpc, account, limit), accounts) if walked]
    held = _record(rpc, pool, walks)
    for walked in walks:
        _move(walked, held)
    update_rows([walked.account for walked in walks], _CURSOR)
    return walks


def _ask(rpc: Rpc, account: WatchedAccount, limit: int) -> Walked | None:
    walked = Walked(account)
    try:
        walked.page = questions.mentions(
            rpc,
            account.address,
            until=account.until_signature,
            before=account.before_signature,
            slot_min=account.until_slot,
            limit=limit,
        )
    except (Unreadable, RpcRefused) as problem:
        log.warning(
            "account %s not read: %s",
            account.address,
            problem,
            extra={"action": "account_unread", "account": account.address, "why": str(problem)},
        )
        return None
    walked.is_last = len(walked.page) < limit or walked.is_before(walked.page[-1])
    if not account.before_signature:
        walked.unfinal = [each for each in walked.page if not each.is_final and not each.is_failed]
    return walked


def _move(walked: Walked, held: set[str]) -> None:
    account, final = walked.account, [each for each in walked.page if each.is_final]
    if held & {each.signature for each in final}:
        # Something final could not be recorded. Begin again from the top: what is recorded is not fetched twice.
        account.head_signature, account.head_slot, account.before_signature = "", 0, ""
        return
    if not account.head_signature and final:
        account.head_signature, account.head_slot = final[0].signature, final[0].slot
    if not walked.is_last:
        account.before_signature = walked.page[-1].signature
        return
    if account.head_signature and account.head_slot >= account.until_slot:
        account.until_signature, account.until_slot = account.head_signature, account.head_slot
    account.head_signature, account.head_slot, account.before_signature = "", 0, ""
    walked.is_complete = True


def _record(rpc: Rpc, pool: ThreadPoolExecutor, walks: Sequence[Walked]) -> set[str]:
    """Record what is final and not known. Returns the signatures that had to be held back."""
    times = {each.signature: each.block_time for walked in walks for each in walked.final()}
    pairs = [(each.signature, walked.account.address) for walked in walks for each in walked.final()]
    known = _known(pairs)
    wanted = dict.fromkeys(signature for signature, address in pairs if (signature, address) not in known)
    held: set[str] = set()
    listed = list(wanted)
    for start in range(0, len(listed), RECORDED_AT_ONCE):
        held |= record_final(rpc, pool, listed[start : start + RECORDED_AT_ONCE], times)
    return held


def _known(pairs: Sequence[tuple[str, str]]) -> set[tuple[str, str]]:
    """Of these signatures and accounts, the pairs that are recorded."""
    if not pairs:
        return set()
    signatures = {signature for signature, _ in pairs}
    return set(Transfer.objects.filter(signature__in=signatures).values_list("signature", "account"))


def record_final(
    rpc: Rpc, pool: ThreadPoolExecutor, signatures: Sequence[str], times: dict[str, datetime | None]
) -> set[str]:
    """Fetch finalised transactions and record them in one commit. Returns those that had to be held back.

    Held back is what no node shows although it is said to be final, what cannot be read, and what a second node does not
    confirm although so much is at stake. It is asked for again at the next look.
    """
    held: set[str] = set()
    fetched: list[tuple[Transaction, Answer]] = []
    for signature, found in zip(signatures, pool.map(lambda each: _fetch(rpc, each), signatures), strict=True):
        timed = None if found is None else _timed(rpc, found[0], times)
        if found is None or timed is None:
            held.add(signature)
        else:
            fetched.append((timed, found[1]))
    answers = {transaction.signature: answer for transaction, answer in fetched}
    findings = find([transaction for transaction, _ in fetched])
    for signature in _large(findings):
        try:
            questions.confirm_with_another_node(rpc, answers[signature], signature)
        except NotAgreed as problem:
            held.add(signature)
            log.error(
                "receipt of transaction %s held back: %s",
                signature,
                problem,
                extra={"action": "receipt_held", "signature": signature, "why": str(problem)},
            )
    record([finding for finding in findings if finding.transaction.signature not in held])
    return held


def _fetch(rpc: Rpc, signature: str) -> tuple[Transaction, Answer] | None:
    try:
        found = questions.finalised_transaction(rpc, signature)
    except (Unreadable, RpcRefused) as problem:
        _warn(signature, problem)
        return None
    return found


def _warn(signature: str, problem: Exception) -> None:
    told = {"action": "transaction_unread", "signature": signature, "why": str(problem)}
    log.warning("transaction %s not read: %s", signature, problem, extra=told)


def _timed(rpc: Rpc, transaction: Transaction, times: dict[str, datetime | None]) -> Transaction | None:
    if transaction.block_time is not None:
        return transaction
    try:
        at = times.get(transaction.signature) or questions.block_time(rpc, transaction.slot)
    except (Unreadable, RpcRefused) as problem:
        _warn(transaction.signature, problem)
        return None
    return replace(transaction, block_time=at)


def _large(findings: Sequence[Finding]) -> list[str]:
    tokens = token_model().objects.in_bulk({finding.token_id for finding in findings if finding.token_id is not None})
    large = set()
    for finding in findings:
        token = tokens.get(finding.token_id)
        # What left as well as what came: a record is never changed, so a lie about either would stay.
        if token and token.second_opinion_from is not None and abs(finding.delta.amount) >= token.second_opinion_from:
            large.add(finding.transaction.signature)
    return sorted(large)

"""What became of transactions that were broadcast: settled, failed, still possible, or provably dead."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass

from django.db import DEFAULT_DB_ALIAS, transaction

from mutoscope.engines.postgres.named_sql import SqlFile
from mutoscope.engines.solana.signer.chain import Chain, ChainUnavailable, Position, Status
from mutoscope.engines.solana.signer.dispatch import broadcast
from mutoscope.engines.solana.signer.models import JobState, SignerLeg

SQL = SqlFile("mutoscope.engines.solana", "signer/jobs.sql")
logger = logging.getLogger("mutoscope.solana.signer")

FOLLOWED_AT_ONCE = 256
BROADCAST_AGAIN_S = 5.0


@dataclass(frozen=True, slots=True)
class Attempt:
    """A transaction that may still land, or has landed and is not final."""

    id: int
    signature: str
    last_valid: int
    wire: bytes
    state: str
    is_due: bool


@dataclass(frozen=True, slots=True)
class Answer:
    """What one node says: from which slot on at the least, and about each signature."""

    slot: int
    statuses: dict[str, Status | None]


class Follower:
    """Asks every configured node. A transaction is settled when all that answer say so; dead when really all say so."""

    def __init__(self, chains: Sequence[Chain], using: str = DEFAULT_DB_ALIAS) -> None:
        self.chains = tuple(chains)
        self.using = using

    def run(self) -> int:
        """Look at every live transaction; how many moved. Raises ChainUnavailable when no node answers."""
        wanted = {"limit": FOLLOWED_AT_ONCE, "again_s": BROADCAST_AGAIN_S}
        attempts = [
            Attempt(number, signature, last_valid, bytes(wire), state, due)
            for number, signature, last_valid, wire, state, due in SQL.fetch(self.using, "live", wanted)
        ]
        if not attempts:
            return 0
        # The position first: what was final then is in every later answer of a node that is not behind it.
        position = self.chains[0].position()
        answers = self._ask([attempt.signature for attempt in attempts])
        return sum(self._move(attempt, position, answers) for attempt in attempts)

    def _ask(self, signatures: list[str]) -> list[Answer | None]:
        answers: list[Answer | None] = []
        for chain in self.chains:
            try:
                answers.append(Answer(*chain.statuses(signatures)))
            except ChainUnavailable as error:
                logger.warning(
                    "a node does not say what became of transactions: %s",
                    error,
                    extra={"action": "signer.unanswered", "error": str(error)},
                )
                answers.append(None)
        if not any(answers):
            raise ChainUnavailable("No node says what became of the transactions.")
        return answers

    def _move(self, attempt: Attempt, position: Position, answers: Sequence[Answer | None]) -> bool:
        told = [answer.statuses[attempt.signature] for answer in answers if answer is not None]
        seen = [status for status in told if status is not None]
        if seen and len(seen) == len(told) and all(status.finalized for status in seen):
            if len({bool(status.error) for status in seen}) > 1:
                logger.error(
                    "the nodes disagree on whether transaction %s failed: it is asked for again",
                    attempt.signature,
                    extra={"action": "signer.nodes_disagree", "signature": attempt.signature},
                )
                return False
            return self._finish(attempt, seen[0])
        if not seen and position.block_height > attempt.last_valid and _all_past(answers, position):
            return self._expire(attempt)
        to = JobState.CONFIRMED if any(status.confirmed and not status.error for status in seen) else JobState.SENT
        moved = attempt.state != to and self._change(attempt, to, seen[0].slot if seen else None)
        if not seen and attempt.is_due and attempt.wire and position.block_height <= attempt.last_valid:
            # The same bytes and the same signature: however often it arrives, it lands once.
            broadcast(self.chains[0], attempt.id, attempt.wire, using=self.using)
        return moved

    def _change(self, attempt: Attempt, to: JobState, slot: int | None) -> bool:
        """On its way; or, after a rollback, again only sent."""
        with transaction.atomic(using=self.using):
            if not self._claim(attempt, to, slot):
                return False
            SQL.run(self.using, "move_jobs", {"attempt": attempt.id, "to": to})
        return True

    def _finish(self, attempt: Attempt, status: Status) -> bool:
        """Final: it did all that it was signed for, or nothing but pay its fee."""
        with transaction.atomic(using=self.using):
            if not status.error:
                if not self._claim(attempt, JobState.SETTLED, status.slot):
                    return False
                SQL.run(self.using, "move_jobs", {"attempt": attempt.id, "to": JobState.SETTLED})
            else:
                if not self._claim(attempt, JobState.FAILED, status.slot, status.error):
                    return False
                legs = SignerLeg.objects.using(self.using).filter(attempt=attempt.id).count()
                # Of several, one was at fault, and nobody knows which: each tries again alone.
                to = JobState.EXPIRED if legs > 1 else JobState.FAILED
                reason = f"The chain refused it: {status.error}"
                self._release(attempt, to, reason, alone=legs > 1)
        told = {"action": "signer.final", "signature": attempt.signature, "error": status.error}
        logger.info("transaction %s is final: %s", attempt.signature, status.error or "it did all", extra=told)
        return True

    def _expire(self, attempt: Attempt) -> bool:
        """No block that could still hold it will ever come, and no node has it in one that came."""
        with transaction.atomic(using=self.using):
            if not self._claim(attempt, JobState.EXPIRED, None):
                return False
            reason = f"The transaction {attempt.signature} did not land by block {attempt.last_valid}, and never can."
            self._release(attempt, JobState.EXPIRED, reason, alone=False)
        told = {"action": "signer.expired", "signature": attempt.signature}
        logger.info("transaction %s did not land and never can", attempt.signature, extra=told)
        return True

    def _claim(self, attempt: Attempt, to: JobState, slot: int | None, error: str = "") -> bool:
        wanted = {"attempt": attempt.id, "from": attempt.state, "to": to, "slot": slot, "error": error}
        return SQL.run(self.using, "move_attempt", wanted) == 1

    def _release(self, attempt: Attempt, to: JobState, reason: str, *, alone: bool) -> None:
        SQL.run(self.using, "release", {"attempt": attempt.id})
        SQL.run(self.using, "after_release", {"attempt": attempt.id, "to": to, "reason": reason, "alone": alone})


def _all_past(answers: Sequence[Answer | None], position: Position) -> bool:
    """Whether every node answered, and from a slot that has the finalized one behind it."""
    return all(answer is not None and answer.slot >= position.slot for answer in answers)

"""Payments that nobody paid in time, and late money that somebody accepts."""

from __future__ import annotations

from django.db import connection, transaction
from django.utils import timezone

from mutoscope.engines.services import Failure
from mutoscope.engines.solana.conf import configuration
from mutoscope.engines.solana.outbox.writing import News, write
from mutoscope.engines.solana.payments.abstract import AbstractPayment
from mutoscope.engines.solana.payments.assessing import OPEN, assess, prices_of
from mutoscope.engines.solana.payments.describing import describe
from mutoscope.engines.solana.payments.domain.states import Status
from mutoscope.engines.solana.payments.models import Price, Transfer, UnmatchedReceipt
from mutoscope.engines.solana.payments.refunding import goes_back, locked_payment
from mutoscope.engines.solana.payments.rows import update_rows
from mutoscope.engines.solana.payments.swapped import payment_model
from mutoscope.engines.solana.watcher.models import WatchedAccount

EXPIRED_AT_ONCE = 500


class AlreadyAllocated(Failure):
    """The receipt belongs to a payment already, or was closed."""

    receipt: int


class GoesBack(Failure):
    """Money of this payment was sent back, or is about to be: it cannot count as paid as well."""


def expire_due() -> int:
    """Call payments expired whose time is over and of whose accounts everything since is known. Returns how many.

    "Everything is known" means that each of their accounts was looked at completely after the end and the time that
    finality takes. While no node answers, nothing expires: somebody may have paid.
    """
    grace_s = configuration().expiry_grace_s
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute(_due(), {"grace_s": grace_s, "open": list(OPEN), "limit": EXPIRED_AT_ONCE})
            due = [row[0] for row in cursor.fetchall()]
        payments = list(payment_model().objects.filter(pk__in=due).order_by("pk"))
        now = timezone.now()
        news, prices = [], prices_of(payments)
        for payment in payments:
            payment.status, payment.expired_at, payment.changed_at = Status.EXPIRED.value, now, now
            told = describe(payment, prices[payment.pk])
            news.append(News(f"{payment.public_id}:expired", "expired", payment.pk, told))
        if payments:
            update_rows(payments, ("status", "expired_at", "changed_at"))
            write(news)
    return len(payments)


def accept_late(payment: AbstractPayment) -> AbstractPayment:
    """Let late money count, as a person decided. Returns the payment as it stands then. Raises GoesBack."""
    with transaction.atomic():
        locked = locked_payment(payment.pk)
        if goes_back(locked):
            raise GoesBack
        locked.accepts_late = True
        locked.save(update_fields=["accepts_late"])
        write(assess([locked]))
    return locked


def allocate(receipt: UnmatchedReceipt, payment: AbstractPayment, note: str = "") -> AbstractPayment:
    """Give an unmatched receipt to a payment, once. Raises AlreadyAllocated."""
    with transaction.atomic():
        locked = locked_payment(payment.pk)
        row = UnmatchedReceipt.objects.select_for_update().get(pk=receipt.pk)
        if row.state != UnmatchedReceipt.State.OPEN:
            raise AlreadyAllocated(receipt=row.pk)
        Transfer.objects.filter(pk=row.transfer_id).update(payment=locked)
        row.state, row.note, row.ended_at = UnmatchedReceipt.State.ALLOCATED, note, timezone.now()
        row.save(update_fields=["state", "note", "ended_at"])
        write(assess([locked]))
    return locked


def close_unmatched(receipt: UnmatchedReceipt, note: str) -> None:
    """Say what an unmatched receipt was, and be done with it. Raises AlreadyAllocated; the note may not be empty."""
    if not note.strip():
        raise ValueError("a receipt is closed with a note that says what it was")
    closed = UnmatchedReceipt.objects.filter(pk=receipt.pk, state=UnmatchedReceipt.State.OPEN).update(
        state=UnmatchedReceipt.State.CLOSED, note=note, ended_at=timezone.now()
    )
    if not closed:
        raise AlreadyAllocated(receipt=receipt.pk)


def _due() -> str:
    # Locks: the payments, skipping any that somebody settles right now. Expected row count: up to the limit.
    payments, accounts, prices = payment_model()._meta.db_table, WatchedAccount._meta.db_table, Price._meta.db_table
    return f"""
        SELECT payment.id FROM {payments} AS payment
        WHERE payment.status = ANY(%(open)s) AND payment.expires_at + make_interval(secs => %(grace_s)s) < statement_timestamp()
          AND NOT EXISTS (
              SELECT 1 FROM {prices} AS price JOIN {accounts} AS account ON account.token_id = price.token_id
              WHERE price.payment_id = payment.id AND account.owner = payment.recipient
                AND (account.complete_at IS NULL
                     OR account.complete_at < payment.expires_at + make_interval(secs => %(grace_s)s)))
        ORDER BY payment.expires_at LIMIT %(limit)s FOR NO KEY UPDATE OF payment SKIP LOCKED
    """  # noqa: S608 - names of our own tables

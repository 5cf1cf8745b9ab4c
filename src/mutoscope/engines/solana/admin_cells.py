"""How the operator's pages write what the chain knows as long texts and base units."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib import admin
from django.db.models import Model, OuterRef, QuerySet, Subquery
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from mutoscope.engines.solana.payments.domain.amounts import amount_text, plain_text
from mutoscope.engines.solana.payments.models import Transfer
from mutoscope.engines.solana.payments.refunding import short
from mutoscope.engines.solana.payments.swapped import token_model
from mutoscope.engines.solana.signer.models import Kind, SignerJob

# Fewer letters than this are a word, not a code.
CODE_LENGTH_MIN = 16
SOL_DECIMALS = 9

Cell = Callable[[Any], SafeString | str]


def code(text: str | None) -> SafeString | str:
    """An address or a signature for a list: the whole of it is there to be hovered and copied, the site's style sheet cuts it short."""
    if not text or len(text) < CODE_LENGTH_MIN:
        return text or ""
    return format_html(
        '<span class="code-short" title="{}"><span class="code-short-start">{}</span><span>{}</span></span>',
        text,
        text[:-4],
        text[-4:],
    )


def code_of(field: str, words: str = "") -> Cell:
    """A column with an address or a signature that the row has under this name, also behind a relation (`transfer__signature`)."""

    @admin.display(description=words or field.replace("_", " "), ordering=field)
    def cell(row: Model) -> SafeString | str:
        value: Any = row
        for name in field.split("__"):
            value = getattr(value, name)
        return code(value)

    return cell


@admin.display(description="amount", ordering="amount")
def transferred(transfer: Transfer) -> str:
    """What a transfer brought or took, with its token."""
    if transfer.token is not None:
        return amount_text(transfer.amount, transfer.token.symbol, transfer.token.decimals)
    if not transfer.mint:
        return amount_text(transfer.amount, "SOL", SOL_DECIMALS)
    if transfer.decimals is None:
        return f"{transfer.amount:,} base units of {short(transfer.mint)}"
    return amount_text(transfer.amount, short(transfer.mint), transfer.decimals)


@admin.display(description="fee", ordering="fee")
def fee_paid(transfer: Transfer) -> str:
    """What the account paid for the transaction."""
    return amount_text(transfer.fee, "SOL", SOL_DECIMALS)


@admin.display(description="dust below", ordering="dust_below")
def dust_below(token: Any) -> str:
    """Smaller receipts than this are nobody's hurry."""
    return amount_text(token.dust_below, token.symbol, token.decimals)


@admin.display(description="second opinion from", ordering="second_opinion_from")
def second_opinion_from(token: Any) -> str:
    """From this amount on two nodes have to agree."""
    if token.second_opinion_from is None:
        return "never"
    return amount_text(token.second_opinion_from, token.symbol, token.decimals)


def with_tokens(jobs: QuerySet[SignerJob]) -> QuerySet[SignerJob]:
    """Jobs that know the token that they move, in the same query."""
    token = token_model().objects.filter(mint=OuterRef("mint"))
    return jobs.annotate(
        token_symbol=Subquery(token.values("symbol")[:1]), token_decimals=Subquery(token.values("decimals")[:1])
    )


@admin.display(description="asked for", ordering="amount")
def asked_for(job: SignerJob) -> str:
    """What a job was asked to move."""
    return "all there is" if job.amount is None else _of_job(job, job.amount)


@admin.display(description="moved", ordering="moved")
def moved(job: SignerJob) -> str:
    """What left for good."""
    return "" if job.moved is None else _of_job(job, job.moved)


def _of_job(job: SignerJob, amount: int) -> str:
    if job.kind == Kind.DERIVE:
        return f"{amount:,} wallets"
    # The rent of an account comes back in SOL, whatever lay in it.
    if not job.mint or job.kind == Kind.RECLAIM:
        return amount_text(amount, "SOL", SOL_DECIMALS)
    symbol, decimals = getattr(job, "token_symbol", None), getattr(job, "token_decimals", None)
    if symbol is None or decimals is None:
        return f"{amount:,} base units of {short(job.mint)}"
    return amount_text(amount, symbol, decimals)


@admin.display(description="payment", ordering="payment")
def payment_link(row: Any) -> SafeString | str:
    """The way to the payment that a row is about, which should have been fetched with it."""
    payment = row.payment
    if payment is None:
        return ""
    there = reverse(f"admin:{payment._meta.app_label}_{payment._meta.model_name}_change", args=[payment.pk])
    return format_html('<a href="{}">{}</a>', there, code(payment.public_id))


@admin.display(description="asked")
def prices_of(payment: Any) -> str:
    """What a payment asks for. Its prices and their tokens should have been fetched with it."""
    rows = sorted(payment.prices.all(), key=lambda price: price.pk)
    return " or ".join(f"{plain_text(row.amount, row.token.decimals)} {row.token}" for row in rows)

"""What the lists in the operator's pages have in common."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.helpers import ActionForm
from django.db.models import BooleanField, Field, Model
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.html import format_html

from mutoscope.engines.solana.admin_cells import Cell
from mutoscope.engines.solana.public import amount_text
from mutoscope.platform.billing.domain.lengths import REASON_LENGTH_MAX
from mutoscope.platform.billing.domain.money import points_text
from mutoscope.platform.billing.failures import Refused
from mutoscope.platform.billing.templatetags.billing import usd

if TYPE_CHECKING:
    ReadOnlyBase = admin.ModelAdmin[Any]
else:  # generic for the type checker only
    ReadOnlyBase = admin.ModelAdmin


# Of use to programs only.
UNSHOWN = frozenset({"request_key", "idempotency_key", "nonce"})
TRANSFERS = frozenset({"transfer_id", "hold_id", "ended_by_id"})


@cache
def points_of(field: str, words: str = "") -> Cell:
    """A column of points: `1,200 points`."""

    @admin.display(description=words or field.removesuffix("_points").replace("_", " "), ordering=field)
    def cell(row: Model) -> str:
        points = getattr(row, field)
        return "" if points is None else points_text(points)

    return cell


@cache
def dollars_of(field: str) -> Cell:
    """A column of cents as dollars: `$4.99`."""

    @admin.display(description=field.removesuffix("_usd_cents").replace("_", " "), ordering=field)
    def cell(row: Model) -> str:
        return usd(getattr(row, field))

    return cell


@admin.display(description="amount", ordering="amount")
def token_amount(row: Any) -> str:
    """Of a row that says of which token, and with how many decimals."""
    return "" if row.amount is None else amount_text(row.amount, row.symbol, row.decimals)


@cache
def transfer_of(field: str) -> Cell:
    """The way to a transfer in the ledger's pages."""
    words = {"hold_id": "held by transfer", "ended_by_id": "ended by transfer"}.get(field, "transfer in the ledger")

    @admin.display(description=words)
    def cell(row: Model) -> str:
        number = getattr(row, field)
        if number is None:
            return ""
        return format_html('<a href="{}">{}</a>', reverse("admin:ledger_transfer_change", args=[number]), number)

    return cell


@cache
def yes_or_no(field: str) -> Cell:
    """In a word: a red cross says that something is wrong."""

    @admin.display(description=field.replace("_", " "))
    def cell(row: Model) -> str:
        return "Yes" if getattr(row, field) else "No"

    return cell


def in_words(field: Field[Any, Any], names: frozenset[str]) -> Any:
    """How a field is shown to people, by the unit that its name ends with. `names` are all of its row's."""
    name = field.name
    if isinstance(field, BooleanField):
        return yes_or_no(name)
    if name.endswith("_usd_cents"):
        return dollars_of(name)
    if name == "points" or name.endswith("_points"):
        return points_of(name)
    if name in TRANSFERS:
        return transfer_of(name)
    return token_amount if name == "amount" and "decimals" in names else name


class LookOnly(ReadOnlyBase):
    """What happened is not edited. A row's page shows every field, in words and with its unit."""

    list_per_page = 50
    show_full_result_count = False
    show_facets = admin.ShowFacets.NEVER

    def get_fields(self, request: HttpRequest, obj: Model | None = None) -> Any:
        """Everything there is of a row; a form that adds one has its own."""
        if obj is None or self.fields:
            return super().get_fields(request, obj)
        names = frozenset(field.name for field in self.opts.fields)
        held = UNSHOWN | ({"symbol", "decimals"} if {"symbol", "decimals", "amount"} <= names else set())
        return [in_words(field, names) for field in self.opts.fields if field.name not in held]

    def get_readonly_fields(self, request: HttpRequest, obj: Model | None = None) -> Any:
        return (
            super().get_readonly_fields(request, obj) if obj is None or self.fields else self.get_fields(request, obj)
        )

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Of the list, where actions need it. A row's own page has nothing to save."""
        return obj is None and bool(self.actions) and super().has_change_permission(request)

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False


class AddsByUseCase(LookOnly):
    """Where adding a row is a use case, which may refuse: then it says why, and nothing was done."""

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        try:
            return super().changeform_view(request, object_id, form_url, extra_context)
        except Refused as refusal:
            messages.error(request, refusal.sentence())
            request.method = "GET"
            return super().changeform_view(request, object_id, form_url, extra_context)


class ReasonForm(ActionForm):
    """What is decided about money is decided with a reason, which stays with it."""

    reason = forms.CharField(required=False, max_length=REASON_LENGTH_MAX, label="Reason:")


def staff_id(request: HttpRequest) -> int:
    """Who of the staff asks."""
    assert request.user.pk is not None
    return request.user.pk

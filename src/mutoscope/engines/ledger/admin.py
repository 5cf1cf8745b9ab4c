"""Read-only pages: accounts with their statements, transfers with their legs, seals. Nothing can be added, changed or deleted here."""

from __future__ import annotations

import json
from typing import Any

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.formats import date_format
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.timezone import localtime

from mutoscope.engines.ledger import models
from mutoscope.engines.ledger.accounts import Account
from mutoscope.engines.ledger.ledger import Ledger

LINES_SHOWN = 50
LEGS_IN_LIST = 3


class ReadOnlyAdmin(admin.ModelAdmin):  # type: ignore[type-arg]  # subscriptable in stubs only
    """Looks, and does nothing else. No row counts either: they would read the whole table for each page."""

    show_full_result_count = False
    show_facets = admin.ShowFacets.NEVER
    actions = None

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(models.Account)
class AccountAdmin(ReadOnlyAdmin):
    list_display = ("id", "owner", "kind", "currency", "limit")
    list_display_links = ("id", "owner")
    search_fields = ("owner",)
    list_filter = ("kind", "currency")
    fields = ("owner", "kind", "currency", "balance", "limit", "opened_at", "statement")
    readonly_fields = ("balance", "limit", "statement")

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        # A method for a field is given the row and nothing of the request, and one object of this class serves all threads.
        self_for_page = type(self)(self.model, self.admin_site)
        self_for_page.after = _whole(request.GET.get("after"))
        return super(AccountAdmin, self_for_page).change_view(request, object_id, form_url, extra_context)

    after = 0

    @admin.display(description="balance")
    def balance(self, account: models.Account) -> str:
        now = Ledger().balance(account.id)
        return f"{now.posted:,} posted, {now.held:,} held, {now.available:,} available"

    @admin.display(description="limit")
    def limit(self, account: models.Account) -> str:
        return "may go below zero" if account.may_go_negative else "never below zero"

    @admin.display(description="statement")
    def statement(self, account: models.Account) -> SafeString:
        known = Account(account.id, account.owner, account.kind, account.currency, account.may_go_negative)
        page = Ledger().statement(known, after=self.after, limit=LINES_SHOWN)
        rows = [
            (
                _transfer_link(line.transfer_id),
                f"{line.amount:+,}",
                f"{line.balance:,}",
                line.kind,
                line.key,
                _moment(line.recorded_at),
            )
            for line in page.lines
        ]
        if not rows:
            return SafeString("Nothing was posted here yet.")
        table = _table(("Transfer", "Amount", "Balance", "Kind", "Key", "Recorded"), rows, numbers=(1, 2))
        if page.next_after is None:
            return table
        return format_html('{}<p><a href="?after={}">Next {} transfers</a></p>', table, page.next_after, LINES_SHOWN)


@admin.register(models.Transfer)
class TransferAdmin(ReadOnlyAdmin):
    list_display = ("id", "moves", "kind", "key", "recorded_at")
    list_display_links = ("id", "key")
    search_fields = ("=key", "=id")
    list_filter = ("kind",)
    ordering = ("-id",)
    fields = ("key", "kind", "legs", "recorded_at", "effective_at", "expires_at", "ends", "link_id", "details")
    readonly_fields = ("legs", "ends", "details")

    def get_fields(self, request: HttpRequest, obj: models.Transfer | None = None) -> list[Any]:
        """What this transfer has: few are backdated, expire, end another or are linked."""
        seldom = {"effective_at": "effective_at", "expires_at": "expires_at", "ends": "refers_to", "link_id": "link_id"}
        return [name for name in self.fields or () if name not in seldom or getattr(obj, seldom[name]) is not None]

    @admin.display(description="moves")
    def moves(self, transfer: models.Transfer) -> str:
        shown = ", ".join(f"{amount:+,}" for amount in transfer.amounts[:LEGS_IN_LIST])
        more = len(transfer.amounts) - LEGS_IN_LIST
        return f"{shown} and {more} more" if more > 0 else shown or "-"

    @admin.display(description="legs")
    def legs(self, transfer: models.Transfer) -> SafeString | str:
        known = models.Account.objects.in_bulk(transfer.accounts)
        rows = [
            (f"{amount:+,}", _account_link(known[account]))
            for account, amount in zip(transfer.accounts, transfer.amounts, strict=True)
        ]
        return _table(("Amount", "Account"), rows, numbers=(0,)) if rows else "-"

    @admin.display(description="ends or reverses")
    def ends(self, transfer: models.Transfer) -> SafeString:
        return _transfer_link(transfer.refers_to or 0)

    @admin.display(description="metadata")
    def details(self, transfer: models.Transfer) -> SafeString | str:
        if not transfer.metadata:
            return "-"
        return format_html("<code>{}</code>", json.dumps(transfer.metadata, ensure_ascii=False, sort_keys=True))


@admin.register(models.Seal)
class SealAdmin(ReadOnlyAdmin):
    list_display = ("number", "sealed_at", "first_id", "through_id", "transfers")
    ordering = ("-number",)
    fields = ("number", "sealed_at", "first_id", "through_id", "transfers", "recorded_from", "recorded_until", "head")
    readonly_fields = ("head",)

    @admin.display(description="hash")
    def head(self, seal: models.Seal) -> SafeString:
        return format_html("<code>{}</code>", bytes(seal.hash).hex())


def _whole(text: str | None) -> int:
    """The transfer id after which a page begins; 0 for anything that is none."""
    return int(text) if text and text.isascii() and text.isdigit() and len(text) < 19 else 0


def _moment(moment: Any) -> str:
    return date_format(localtime(moment), "Y-m-d H:i:s")


def _transfer_link(number: int) -> SafeString:
    return format_html('<a href="{}">{}</a>', reverse("admin:ledger_transfer_change", args=[number]), number)


def _account_link(account: models.Account) -> SafeString:
    return format_html('<a href="{}">{}</a>', reverse("admin:ledger_account_change", args=[account.id]), account)


def _table(head: tuple[str, ...], rows: list[tuple[Any, ...]], numbers: tuple[int, ...]) -> SafeString:
    """A table in its own box, which scrolls sideways on a narrow screen. `numbers` are the columns aligned to the right."""

    def cells(tag: str, row: tuple[Any, ...]) -> SafeString:
        shown = ((SafeString(' align="right"' if at in numbers else ""), cell) for at, cell in enumerate(row))
        return format_html_join("", f"<{tag}{{}}>{{}}</{tag}>", shown)

    body = format_html_join("", "<tr>{}</tr>", ((cells("td", row),) for row in rows))
    return format_html(
        '<div class="results"><table><thead><tr>{}</tr></thead><tbody>{}</tbody></table></div>', cells("th", head), body
    )

"""Read-only pages: accounts with their statements, transfers, seals. Nothing can be added, changed or deleted here."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from mutoscope.engines.ledger import models
from mutoscope.engines.ledger.accounts import Account
from mutoscope.engines.ledger.ledger import Ledger

LINES_SHOWN = 50


class ReadOnlyAdmin(admin.ModelAdmin):  # type: ignore[type-arg]  # subscriptable in stubs only
    """Looks, and does nothing else. No row counts either: they would read the whole table for each page."""

    show_full_result_count = False
    actions = None

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(models.Account)
class AccountAdmin(ReadOnlyAdmin):
    list_display = ("id", "owner", "kind", "currency", "may_go_negative", "opened_at")
    search_fields = ("owner",)
    list_filter = ("kind", "currency")
    fields = ("id", "owner", "kind", "currency", "may_go_negative", "opened_at", "figures", "statement")
    readonly_fields = ("figures", "statement")

    @admin.display(description="balance")
    def figures(self, account: models.Account) -> str:
        now = Ledger().balance(account.id)
        return f"{now.posted} posted, {now.held} held, {now.available} available"

    @admin.display(description="statement")
    def statement(self, account: models.Account) -> SafeString:
        known = Account(account.id, account.owner, account.kind, account.currency, account.may_go_negative)
        page = Ledger().statement(known, limit=LINES_SHOWN)
        rows = format_html_join(
            "",
            "<tr><td>{}</td><td>{}</td><td>{}</td><td>{}</td><td>{}</td><td>{}</td></tr>",
            (
                (
                    line.transfer_id,
                    f"{line.recorded_at:%Y-%m-%d %H:%M:%S}",
                    line.kind,
                    line.key,
                    line.amount,
                    line.balance,
                )
                for line in page.lines
            ),
        )
        more = "" if page.next_after is None else f"The first {LINES_SHOWN}; more by `ledger statement`."
        head = "<tr><th>transfer</th><th>recorded</th><th>kind</th><th>key</th><th>amount</th><th>balance</th></tr>"
        return format_html("<table>{}{}</table>{}", SafeString(head), rows, more)


@admin.register(models.Transfer)
class TransferAdmin(ReadOnlyAdmin):
    list_display = ("id", "recorded_at", "kind", "key", "amounts")
    search_fields = ("=key", "=id")
    list_filter = ("kind",)
    ordering = ("-id",)


@admin.register(models.Seal)
class SealAdmin(ReadOnlyAdmin):
    list_display = ("number", "sealed_at", "first_id", "through_id", "transfers")
    ordering = ("-number",)
    exclude = ("hash", "previous_hash")

"""Comparisons in the operator's pages: what they found, when the next one runs, and one now."""

from __future__ import annotations

from typing import Any, ClassVar

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import URLPattern, path
from django.utils.html import format_html_join
from django.utils.safestring import SafeString

from mutoscope.engines.solana.public import amount_text
from mutoscope.engines.tasks.models import ScheduleRecord
from mutoscope.platform.billing.models import Reconciliation
from mutoscope.platform.billing.operator_lists import LookOnly
from mutoscope.platform.billing.reconcile.tasks import NIGHTLY, reconcile_books


@admin.register(Reconciliation)
class ReconciliationAdmin(LookOnly):
    change_list_template = "billing/reconcile/operator.html"
    list_display = ("at", "result", "found")
    fields: ClassVar[Any] = ("at", "result", "words", "money")
    readonly_fields: ClassVar[Any] = fields

    @admin.display(description="result", ordering="is_clean")
    def result(self, obj: Reconciliation) -> str:
        number = len(obj.findings)
        return "All is well" if obj.is_clean else f"{number} finding{'' if number == 1 else 's'}"

    @admin.display(description="found")
    def found(self, obj: Reconciliation) -> str:
        return ", ".join(each["name"].replace("_", " ") for each in obj.findings) or "nothing"

    @admin.display(description="findings")
    def words(self, obj: Reconciliation) -> SafeString | str:
        found = [(each["name"], each["meaning"], str(each["rows"])) for each in obj.findings]
        return format_html_join("", "<p><strong>{}</strong>: {}<br><small>{}</small></p>", found) or "None."

    @admin.display(description="where the money is")
    def money(self, obj: Reconciliation) -> SafeString | str:
        lies = [(amount_text(each["amount"], each["symbol"], each["decimals"]), each["place"]) for each in obj.holdings]
        return format_html_join("", "{} <small>{}</small><br>", lies) or "Nothing came in."

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> Any:
        more = {
            "nightly": ScheduleRecord.objects.filter(name=NIGHTLY).first(),
            "may_compare": self._may_compare(request),
            **(extra_context or {}),
        }
        return super().changelist_view(request, more)

    def get_urls(self) -> list[URLPattern]:
        now = self.admin_site.admin_view(self.compare_now)
        return [path("now/", now, name="billing_reconciliation_now"), *super().get_urls()]

    def compare_now(self, request: HttpRequest) -> HttpResponse:
        """By a worker, as at night: it may take a while. One that waits already is enough."""
        if not self._may_compare(request):
            raise PermissionDenied
        if request.method == "POST":
            reconcile_books.enqueue()
            messages.success(request, "A worker compares as soon as one is free. Look at this page again in a moment.")
        return redirect("admin:billing_reconciliation_changelist")

    def _may_compare(self, request: HttpRequest) -> bool:
        return bool(request.user.has_perm("billing.change_reconciliation"))

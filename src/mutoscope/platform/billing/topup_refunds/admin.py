"""Refunds of top-ups in the operator's pages."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.safestring import SafeString

from mutoscope.engines.solana.admin_cells import code
from mutoscope.platform.billing.failures import Refused
from mutoscope.platform.billing.models import TopUpRefund
from mutoscope.platform.billing.operator_lists import LookOnly, ReasonForm, staff_id
from mutoscope.platform.billing.topup_refunds.by_hand import RecordReturn, RecordReturnInputs
from mutoscope.platform.billing.topup_refunds.service import (
    ApproveRefund,
    ApproveRefundInputs,
    EndRefund,
    EndRefundInputs,
)
from mutoscope.platform.billing.topup_refunds.shown import shown


class DecisionForm(ReasonForm):
    signature = forms.CharField(required=False, max_length=88, label="Signature, if by hand:")


@admin.register(TopUpRefund)
class TopUpRefundAdmin(LookOnly):
    """Money of top-ups that bought no points, and that its viewers asked for."""

    list_display = ("number", "person", "amount_shown", "to", "how_it_stands", "why")
    list_filter = ("state",)
    list_select_related = ("top_up__person", "address", "decided_by")
    search_fields = ("=top_up__id", "top_up__person__username", "=receipt", "=signature")
    actions = ("approve", "refuse", "was_sent_by_hand")
    action_form = DecisionForm

    @admin.display(description="refund", ordering="id")
    def number(self, obj: TopUpRefund) -> str:
        return f"{obj.pk} of top-up {obj.top_up_id}"

    @admin.display(description="viewer")
    def person(self, obj: TopUpRefund) -> str:
        return str(obj.top_up.person)

    @admin.display(description="amount")
    def amount_shown(self, obj: TopUpRefund) -> str:
        return shown(obj).amount

    @admin.display(description="to")
    def to(self, obj: TopUpRefund) -> SafeString | str:
        return code(shown(obj).address) or "the wallet that paid"

    @admin.display(description="how it stands", ordering="state")
    def how_it_stands(self, obj: TopUpRefund) -> SafeString | str:
        found = shown(obj)
        words = f"{obj.get_state_display()} {obj.trouble}".strip()
        return format_html('{} <a href="{}">{}</a>', words, found.link, code(found.signature)) if found.link else words

    @admin.display(description="decided")
    def why(self, obj: TopUpRefund) -> str:
        return f"{obj.reason} ({obj.decided_by})" if obj.decided_by is not None else ""

    @admin.action(description="Approve: the signer sends it", permissions=["change"])
    def approve(self, request: HttpRequest, chosen: QuerySet[TopUpRefund]) -> None:
        for refund in chosen:
            asked = ApproveRefundInputs(refund.pk, staff_id(request), request.POST.get("reason", ""))
            self._try(request, refund, "approved", lambda asked=asked: ApproveRefund().call(asked))

    @admin.action(description="Refuse: nothing is sent", permissions=["change"])
    def refuse(self, request: HttpRequest, chosen: QuerySet[TopUpRefund]) -> None:
        for refund in chosen:
            reason = request.POST.get("reason", "")
            asked = EndRefundInputs(refund.pk, TopUpRefund.State.REFUSED, reason, staff_id=staff_id(request))
            self._try(request, refund, "refused", lambda asked=asked: EndRefund().call(asked))

    @admin.action(description="It was sent back by hand (a token that is not accepted)", permissions=["change"])
    def was_sent_by_hand(self, request: HttpRequest, chosen: QuerySet[TopUpRefund]) -> None:
        for refund in chosen:
            reason, signature = request.POST.get("reason", ""), request.POST.get("signature", "")
            asked = RecordReturnInputs(refund.pk, staff_id(request), reason, signature)
            self._try(request, refund, "recorded as sent back", lambda asked=asked: RecordReturn().call(asked))

    def _try(self, request: HttpRequest, refund: TopUpRefund, done: str, act: Any) -> None:
        try:
            act()
        except Refused as refusal:
            self.message_user(request, f"{refund}: {refusal.sentence()}", messages.ERROR)
        else:
            self.log_change(request, refund, f"It was {done}: {request.POST.get('reason', '')}")
            self.message_user(request, f"{refund}: {done}.", messages.SUCCESS)

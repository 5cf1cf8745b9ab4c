"""Payouts in the operator's pages: how each stands, and a page for each decision: what it does, a reason, and a last look."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import Model
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from mutoscope.engines.solana.admin_cells import code
from mutoscope.platform.billing.domain.lengths import REASON_LENGTH_MAX
from mutoscope.platform.billing.failures import CannotPayOut, Refused, Unacceptable
from mutoscope.platform.billing.models import Payout
from mutoscope.platform.billing.operator_lists import LookOnly, points_of, staff_id
from mutoscope.platform.billing.payouts.ports import pays_creators
from mutoscope.platform.billing.payouts.reference import REFERENCE_LENGTH_MAX
from mutoscope.platform.billing.payouts.service import (
    BEFORE,
    WITHOUT_ADDRESS,
    ApprovePayout,
    ApprovePayoutInputs,
    EndPayout,
    EndPayoutInputs,
    how_it_stands,
)
from mutoscope.platform.billing.payouts.shown import amount_shown, shown


@dataclass(frozen=True)
class Decision:
    """Something that staff decide about a payout."""

    outcome: Payout.State
    words: str
    done: str
    is_read_by_creator: bool = True

    @property
    def before(self) -> Payout.State:
        """How a payout stands that this may be decided about."""
        return BEFORE.get(self.outcome, Payout.State.WAITING)

    @property
    def wants_reference(self) -> bool:
        return self.outcome is Payout.State.PAID


# By their names in addresses.
DECISIONS: Mapping[str, Decision] = {
    "approve": Decision(Payout.State.APPROVED, "Approve it", "approved", is_read_by_creator=False),
    "refuse": Decision(Payout.State.REFUSED, "Refuse it", "refused"),
    "paid": Decision(Payout.State.PAID, "It was paid by hand", "recorded as paid by hand"),
    "failed": Decision(Payout.State.FAILED, "It failed: nothing was sent", "recorded as failed"),
}


class DecisionForm(forms.Form):
    reason = forms.CharField(
        max_length=REASON_LENGTH_MAX,
        widget=forms.Textarea(attrs={"rows": 3, "cols": 60}),
        error_messages={"required": f"Say why: a reason of 1 to {REASON_LENGTH_MAX} characters."},
    )
    reference = forms.CharField(
        max_length=REFERENCE_LENGTH_MAX,
        label="By which payment",
        help_text="The transaction's signature, or what else names the payment. Its creator reads it.",
        error_messages={"required": "Say by which payment: a transaction's signature, or a reference in words."},
    )

    def __init__(self, decision: Decision, *given: Any, **more: Any) -> None:
        super().__init__(*given, **more)
        read_by = "Its creator reads it." if decision.is_read_by_creator else "Staff read it in this payout's history."
        self.fields["reason"].help_text = read_by
        if not decision.wants_reference:
            del self.fields["reference"]


@admin.register(Payout)
class PayoutAdmin(LookOnly):
    list_display = ("channel", "number", points_of("points"), "how_it_stands", "paid_by", "asked_at", "decided_by")
    list_filter = ("state",)
    list_select_related = ("channel", "decided_by", "address")
    search_fields = ("channel__handle", "=number", "reference")

    @admin.display(description="how it stands", ordering="state")
    def how_it_stands(self, obj: Payout) -> str:
        return shown(obj).words

    @admin.display(description="transaction or reference", ordering="reference")
    def paid_by(self, obj: Payout) -> SafeString | str:
        found = shown(obj)
        if found.link:
            return format_html('<a href="{}">{}</a>', found.link, code(found.signature))
        return found.reference

    @admin.display(description="to decide")
    def to_decide(self, payout: Payout) -> SafeString | str:
        """The ways to the decisions that there are; nothing where the signer alone knows how it ends."""
        if payout._state.adding:
            return ""
        ways = [
            (reverse("admin:billing_payout_decide", args=[payout.pk, name]), decision.words)
            for name, decision in DECISIONS.items()
            if is_open(payout, decision)
        ]
        return format_html_join(" ", '<a class="button" href="{}">{}</a>', ways)

    def get_fields(self, request: HttpRequest, obj: Model | None = None) -> Any:
        fields = super().get_fields(request, obj)
        may = isinstance(obj, Payout) and self._may_decide(request) and self.to_decide(obj)
        return ["to_decide", *fields] if may else fields

    def get_urls(self) -> list[URLPattern]:
        decide = self.admin_site.admin_view(self.decide)
        return [path("<int:number>/decide/<slug:name>/", decide, name="billing_payout_decide"), *super().get_urls()]

    def _may_decide(self, request: HttpRequest) -> bool:
        return bool(request.user.has_perm("billing.change_payout"))

    def decide(self, request: HttpRequest, number: int, name: str) -> HttpResponse:
        """What it would do, the reason, a last look; then it is done, or a sentence says why not."""
        if not self._may_decide(request):
            raise PermissionDenied
        decision = DECISIONS.get(name)
        payout = Payout.objects.select_related("channel__owner", "address").filter(pk=number).first()
        if decision is None or payout is None:
            raise Http404
        form = DecisionForm(decision, request.POST if request.method == "POST" else None)
        # How it stands comes first: nobody is asked for a reason to do what was done.
        refusal, quote = "", None
        if not is_open(payout, decision):
            refusal = how_it_stands(payout)
        elif (
            decision.outcome is Payout.State.APPROVED and pays_creators.get().needs_address() and payout.address is None
        ):
            refusal = WITHOUT_ADDRESS
        elif decision.outcome is Payout.State.APPROVED:
            try:
                quote = pays_creators.get().quote(payout.points)
            except CannotPayOut as refused:
                refusal = refused.sentence()
        is_asked = not refusal and form.is_valid()
        if is_asked and "confirmed" in request.POST:
            try:
                self._do(request, payout, decision, form.cleaned_data)
            except Unacceptable as refused:
                form.add_error(refused.field() if refused.field() in form.fields else None, refused.sentence())
                is_asked = False
            except Refused as refused:
                refusal = refused.sentence()
            else:
                return redirect("admin:billing_payout_change", payout.pk)
        context = {
            **self.admin_site.each_context(request),
            "title": f"Payout {payout.number} of {payout.channel}",
            "opts": self.opts,
            "media": self.media,
            "payout": payout,
            "shown": shown(payout),
            "decision": decision,
            "name": name,
            "form": form,
            "refusal": refusal,
            "sends": amount_shown(quote.amount, quote.symbol, quote.decimals) if quote else "",
            "quote": quote,
            "is_last_look": is_asked and not refusal,
        }
        return TemplateResponse(request, "billing/payouts/operator.html", context)

    def _do(self, request: HttpRequest, payout: Payout, decision: Decision, said: dict[str, str]) -> None:
        reason, reference = said["reason"].strip(), said.get("reference", "")
        if decision.outcome is Payout.State.APPROVED:
            ApprovePayout().call(ApprovePayoutInputs(payout.pk, staff_id(request), reason))
        else:
            ended = EndPayoutInputs(payout.pk, decision.outcome, reason, reference, by_id=staff_id(request))
            EndPayout().call(ended)
        payout.refresh_from_db(fields=["state", "reference"])
        by = f" ({payout.reference})" if payout.state == Payout.State.PAID else ""
        self.log_change(request, payout, f"It was {decision.done}: {reason}{by}")
        messages.success(request, f"{payout}: {decision.done}.")


def is_open(payout: Payout, decision: Decision) -> bool:
    """Whether this is still to be decided, and by people."""
    return payout.state == decision.before and not payout.is_ordered()

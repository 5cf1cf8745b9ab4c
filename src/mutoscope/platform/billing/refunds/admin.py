"""Refunds of purchases in the operator's pages: what was bought, what taking it back would do, a reason, and a last look."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from mutoscope.platform.billing.domain.lengths import REASON_LENGTH_MAX
from mutoscope.platform.billing.domain.money import points_text
from mutoscope.platform.billing.failures import Refused
from mutoscope.platform.billing.models import Purchase, Refund
from mutoscope.platform.billing.operator_lists import LookOnly, staff_id
from mutoscope.platform.billing.refunds.foresight import Foreseen, foresee
from mutoscope.platform.billing.refunds.service import RefundPurchase, RefundPurchaseInputs

NUMBER_MAX = 2**63 - 1


class WhichForm(forms.Form):
    """The purchase, where no link led here. What it holds once it is valid is what a refund would do."""

    purchase = forms.IntegerField(
        min_value=1,
        max_value=NUMBER_MAX,
        label="Number of the purchase",
        widget=forms.TextInput(attrs={"inputmode": "numeric"}),
        error_messages={"invalid": "Write its number, as the list of purchases has it."},
    )

    def __init__(self, *given: Any, staff_id: int, **more: Any) -> None:
        super().__init__(*given, **more)
        self.staff_id = staff_id

    def clean_purchase(self) -> Foreseen:
        number: int = self.cleaned_data["purchase"]
        try:
            return foresee(number, self.staff_id)
        except Refused:
            raise forms.ValidationError(f"There is no purchase {number}.") from None


class WhyForm(forms.Form):
    reason = forms.CharField(
        max_length=REASON_LENGTH_MAX,
        widget=forms.Textarea(attrs={"rows": 3, "cols": 60}),
        help_text="Staff read it in the list of refunds; the viewer and the creator do not.",
        error_messages={"required": "Say why the purchase is refunded."},
    )


@admin.register(Refund)
class RefundAdmin(LookOnly):
    """Adding one refunds a purchase, in two steps: a reason, and a look at what it does."""

    list_display = ("number", "viewer", "video", "back", "by", "reason", "at")
    list_select_related = ("by", "purchase__viewer", "purchase__video")
    search_fields = ("=purchase__id", "purchase__viewer__username", "purchase__video__title", "reason")

    @admin.display(description="purchase", ordering="purchase_id")
    def number(self, refund: Refund) -> int:
        return refund.purchase_id

    @admin.display(description="viewer", ordering="purchase__viewer__username")
    def viewer(self, refund: Refund) -> str:
        return str(refund.purchase.viewer)

    @admin.display(description="film", ordering="purchase__video__title")
    def video(self, refund: Refund) -> str:
        return str(refund.purchase.video)

    @admin.display(description="gone back")
    def back(self, refund: Refund) -> str:
        return points_text(refund.purchase.paid_points())

    def has_add_permission(self, request: HttpRequest) -> bool:
        return bool(request.user.has_perm("billing.add_refund"))

    def add_view(
        self, request: HttpRequest, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        if not self.has_add_permission(request):
            raise PermissionDenied
        given = request.POST if request.method == "POST" else request.GET
        which = WhichForm(given if "purchase" in given else None, staff_id=staff_id(request))
        foreseen: Foreseen | None = which.cleaned_data["purchase"] if which.is_valid() else None
        why = WhyForm(request.POST if request.method == "POST" else None)
        is_asked = request.method == "POST" and foreseen is not None and why.is_valid()
        if is_asked and foreseen is not None and "confirmed" in request.POST:
            done = self._refund(request, foreseen, why.cleaned_data["reason"])
            if done is not None:
                return done
            # Refused: somebody else was faster. What is shown is how it stands now.
            foreseen = foresee(foreseen.purchase.pk, staff_id(request))
        context = {
            **self.admin_site.each_context(request),
            "title": "Refund a purchase",
            "opts": self.opts,
            "media": self.media,
            "which": which,
            "why": why,
            "foreseen": foreseen,
            "is_last_look": is_asked and foreseen is not None and not foreseen.refusal,
            **(extra_context or {}),
        }
        return TemplateResponse(request, "billing/refunds/operator.html", context)

    def _refund(self, request: HttpRequest, foreseen: Foreseen, reason: str) -> HttpResponse | None:
        purchase = foreseen.purchase
        try:
            done = RefundPurchase().call(RefundPurchaseInputs(purchase.pk, staff_id(request), reason))
        except Refused as refusal:
            messages.error(request, refusal.sentence())
            return None
        self.log_addition(
            request, done.refund, f"Refunded {points_text(done.points)} of purchase {purchase.pk}: {reason}"
        )
        messages.success(request, f"{points_text(done.points)} went back to {purchase.viewer}.")
        return redirect("admin:billing_purchase_change", purchase.pk)


@admin.display(description="refund")
def refund_of(purchase: Purchase) -> SafeString | str:
    """On a purchase's page: the refund that there was, or the way to one."""
    made = Refund.objects.select_related("by").filter(purchase=purchase).first()
    if made is not None:
        there = reverse("admin:billing_refund_change", args=[made.pk])
        return format_html('<a href="{}">Refunded by {}</a>: {}', there, made.by, made.reason)
    there = f"{reverse('admin:billing_refund_add')}?purchase={purchase.pk}"
    return format_html('<a class="button" href="{}">Refund this purchase</a>', there)

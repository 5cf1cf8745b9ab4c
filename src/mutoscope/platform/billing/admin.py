"""Packs, receipts, refunds, payouts and reconciliations in the operator's pages."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib import admin, messages
from django.db.models import Model, QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.html import format_html

from mutoscope.engines.solana.admin_cells import code_of
from mutoscope.platform.billing.domain.money import BadAmount, parse_cents, parse_points, points_text
from mutoscope.platform.billing.domain.packs import PaidOutForMore
from mutoscope.platform.billing.failures import Refused
from mutoscope.platform.billing.models import (
    Bundle,
    BundlePurchase,
    Coupon,
    Entitlement,
    MonthlyStatement,
    Offer,
    Pack,
    PayoutAddress,
    Purchase,
    Tip,
    TopUp,
)
from mutoscope.platform.billing.monthly.service import IssueStatement, IssueStatementInputs
from mutoscope.platform.billing.operator_lists import LookOnly, ReasonForm, dollars_of, points_of
from mutoscope.platform.billing.packs.admin import GrantAdmin
from mutoscope.platform.billing.packs.service import paid_out_usd_cents, refuse_paid_out_for_more
from mutoscope.platform.billing.payouts.admin import PayoutAdmin
from mutoscope.platform.billing.reconcile.admin import ReconciliationAdmin
from mutoscope.platform.billing.refunds.admin import RefundAdmin, refund_of
from mutoscope.platform.billing.templatetags.billing import usd
from mutoscope.platform.billing.topup_refunds.admin import TopUpRefundAdmin

__all__ = ["GrantAdmin", "PayoutAdmin", "ReconciliationAdmin", "RefundAdmin", "TopUpRefundAdmin"]

if TYPE_CHECKING:
    PackAdminBase = admin.ModelAdmin[Pack]
    PackFormBase = forms.ModelForm[Pack]
else:  # generic for the type checker only
    PackAdminBase = admin.ModelAdmin
    PackFormBase = forms.ModelForm


class PackForm(PackFormBase):
    class Meta:
        model = Pack
        fields = ["title", "points", "bonus_points", "price_usd_cents", "position", "on_sale_from", "on_sale_until"]
        labels = {"price_usd_cents": "Price in US cents"}
        help_texts = {
            "price_usd_cents": "499 is $4.99.",
            "bonus_points": "On top, at the expense of the house: it comes out of what the pack costs above what creators are paid for its points.",
            "position": "Packs are shown in this order, the smallest number first.",
            "on_sale_until": "Empty: until you take it off.",
        }

    def clean_points(self) -> int:
        return _checked(parse_points, self.cleaned_data["points"])

    def clean_bonus_points(self) -> int:
        bonus: int = self.cleaned_data["bonus_points"]
        return _checked(parse_points, bonus) if bonus else 0

    def clean_price_usd_cents(self) -> int:
        return _checked(parse_cents, self.cleaned_data["price_usd_cents"])

    def clean(self) -> dict[str, Any]:
        """One that is taken off sale may be what it is: that is how somebody mends it."""
        pack: dict[str, Any] = super().clean() or self.cleaned_data
        until = pack.get("on_sale_until")
        is_over = until is not None and until <= timezone.now()
        if not is_over and {"points", "bonus_points", "price_usd_cents"} <= pack.keys():
            try:
                refuse_paid_out_for_more(pack["points"] + pack["bonus_points"], pack["price_usd_cents"])
            except PaidOutForMore as problem:
                self.add_error("price_usd_cents", str(problem))
        return pack


def _checked(parse: Any, value: object) -> int:
    try:
        return int(parse(value))
    except BadAmount as problem:
        raise forms.ValidationError(str(problem)) from None


@admin.register(Pack)
class PackAdmin(PackAdminBase):
    form = PackForm
    list_display = (
        "title",
        points_of("points"),
        points_of("bonus_points"),
        dollars_of("price_usd_cents"),
        "pays_out",
        "on_sale_from",
        "on_sale_until",
    )

    @admin.display(description="pays out")
    def pays_out(self, pack: Pack) -> str:
        """What its points may cost the house; of one that is sold, whether that is more than it brings."""
        paid_out_cents = paid_out_usd_cents(pack)
        is_over = pack.on_sale_until is not None and pack.on_sale_until <= timezone.now()
        if is_over or paid_out_cents <= pack.price_usd_cents:
            return usd(paid_out_cents)
        return format_html("<strong>{}: more than it costs</strong>", usd(paid_out_cents))


@admin.register(Offer)
class OfferAdmin(LookOnly):
    list_display = ("video", "term", points_of("points", "price"), "started_at", "ended_at", "by")
    list_select_related = ("video", "by")


@admin.register(Entitlement)
class EntitlementAdmin(LookOnly):
    list_display = ("viewer", "video", "expires_at", "version", "changed_at")
    list_select_related = ("viewer", "video")
    search_fields = ("viewer__username", "video__title")


@admin.register(Purchase)
class PurchaseAdmin(LookOnly):
    list_display = ("id", "viewer", "video", "term", "paid", "bought_at", "refunded_at")
    list_select_related = ("viewer", "video")
    search_fields = ("=id", "viewer__username", "video__title")

    def get_fields(self, request: HttpRequest, obj: Model | None = None) -> Any:
        fields = super().get_fields(request, obj)
        return [refund_of, *fields] if obj is not None and request.user.has_perm("billing.add_refund") else fields

    @admin.display(description="paid", ordering="price_points")
    def paid(self, purchase: Purchase) -> str:
        """What was taken, and why it was not the price."""
        less = [
            f"{points:,} {why}"
            for points, why in ((purchase.credit_points, "credited"), (purchase.discount_points, "off by a code"))
            if points
        ]
        paid = points_text(purchase.paid_points())
        return f"{paid} of {purchase.price_points:,}: {', '.join(less)}" if less else paid


@admin.register(Coupon)
class CouponAdmin(LookOnly):
    list_display = ("code", "channel", "video", "words", "used", "starts_at", "ends_at", "ended_at")
    list_select_related = ("channel", "video")
    search_fields = ("=code", "channel__handle")

    @admin.display(description="used", ordering="uses")
    def used(self, coupon: Coupon) -> str:
        return f"{coupon.uses:,}" if coupon.uses_max is None else f"{coupon.uses:,} of {coupon.uses_max:,}"


@admin.register(Bundle)
class BundleAdmin(LookOnly):
    list_display = ("title", "channel", "term", points_of("points", "price"), "made_at", "ended_at")
    list_select_related = ("channel",)
    search_fields = ("title", "channel__handle")


@admin.register(BundlePurchase)
class BundlePurchaseAdmin(LookOnly):
    """To refund one, refund the purchase of any of its films."""

    list_display = ("id", "viewer", "bundle", "paid", "bought_at", "refunded_at")
    list_select_related = ("viewer", "bundle")
    search_fields = ("=id", "viewer__username", "bundle__title")

    @admin.display(description="paid", ordering="price_points")
    def paid(self, bought: BundlePurchase) -> str:
        """What was taken, and why it was not the price."""
        paid = points_text(bought.fee_points + bought.creator_points)
        owned = bought.owned_points
        return f"{paid} of {bought.price_points:,}: {owned:,} owned already" if owned else paid


@admin.register(Tip)
class TipAdmin(LookOnly):
    list_display = ("viewer", "video", points_of("points"), "note", "given_at")
    list_select_related = ("viewer", "video")


@admin.register(PayoutAddress)
class PayoutAddressAdmin(LookOnly):
    list_display = ("channel", code_of("address"), "asked_at", "proven_at", "ended_at")
    list_select_related = ("channel",)
    search_fields = ("=address", "channel__handle")


@admin.register(TopUp)
class TopUpAdmin(LookOnly):
    list_display = (
        "id",
        "person",
        points_of("points"),
        points_of("bonus_points"),
        dollars_of("price_usd_cents"),
        "asked_at",
        "credited_at",
    )
    list_select_related = ("person",)
    search_fields = ("=id", "=public_id", "person__username")


@admin.register(MonthlyStatement)
class MonthlyStatementAdmin(LookOnly):
    list_display = (
        "label",
        "channel",
        "period",
        points_of("opening_points"),
        points_of("closing_points"),
        "issued_at",
        "corrects",
    )
    list_filter = ("year",)
    list_select_related = ("channel", "corrects")
    search_fields = ("channel__handle", "=number")
    actions = ("correct",)
    action_form = ReasonForm

    @admin.action(description="Issue one that corrects it", permissions=["change"])
    def correct(self, request: HttpRequest, chosen: QuerySet[MonthlyStatement]) -> None:
        reason = request.POST.get("reason", "").strip()
        for statement in chosen:
            if not reason:
                self.message_user(request, f"{statement}: say why, under Reason. Nothing was issued.", messages.ERROR)
                continue
            asked = IssueStatementInputs(statement.channel_id, statement.year, statement.month, reason)
            try:
                issued = IssueStatement().call(asked).statement
            except Refused as refusal:
                self.message_user(request, f"{statement}: {refusal.sentence()}", messages.ERROR)
            else:
                self.log_addition(request, issued, f"It corrects {issued.corrects}: {reason}")
                self.message_user(request, f"{issued} corrects {issued.corrects}.", messages.SUCCESS)

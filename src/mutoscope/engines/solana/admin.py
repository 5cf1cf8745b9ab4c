"""The operator's pages. What happened is shown and cannot be edited; what may be decided is an action, with its own words."""

from __future__ import annotations

from typing import Any, ClassVar

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from mutoscope.engines.solana import admin_cells as cells
from mutoscope.engines.solana import models, public
from mutoscope.engines.solana.admin_forms import TokenForm, UnmatchedForm
from mutoscope.engines.solana.payments.domain.states import Money, Status
from mutoscope.engines.solana.payments.refunding import CannotRefund, request_refunds
from mutoscope.engines.solana.payments.swapped import payment_model, token_model
from mutoscope.engines.solana.payments.timeline import timeline


class ReadOnlyAdmin(admin.ModelAdmin):  # type: ignore[type-arg]  # subscriptable in stubs only
    """Looks. No row counts either: they would read the whole table for each page.

    `instead` is what a row's page shows in words in the place of a field; `hides` are fields that these words hold already.
    """

    show_full_result_count = False
    show_facets = admin.ShowFacets.NEVER
    list_per_page = 50
    instead: ClassVar[dict[str, cells.Cell]] = {}
    hides: ClassVar[tuple[str, ...]] = ()
    ordering: ClassVar[Any] = ("-id",)
    actions: Any = None

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        names: list[Any] = [name for name in super().get_fields(request, obj) if name not in self.hides]
        return list(dict.fromkeys(self.instead.get(name, name) for name in names))

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return [*super().get_readonly_fields(request, obj), *self.instead.values()]

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> Any:
        """Named for what it lists: nothing is selected to be changed."""
        title = str(self.opts.verbose_name_plural)
        return super().changelist_view(request, {"title": title[:1].upper() + title[1:], **(extra_context or {})})

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_decide_permission(self, request: HttpRequest) -> bool:
        """Whether this person may decide about money: Django's own permission to change the model."""
        return bool(request.user.has_perm(f"{self.opts.app_label}.change_{self.opts.model_name}"))


class PaymentAdmin(ReadOnlyAdmin):
    list_display = ("public_id", "purpose", cells.prices_of, "status", "money", "next", "created_at")
    list_filter = ("status", "money", "created_at")
    search_fields = ("=public_id", "purpose", "=recipient", "=reference", "=signature", "=owner_ref")
    actions = ("recheck", "accept_late", "ask_for_refund")
    readonly_fields: ClassVar[Any] = (cells.prices_of, "timeline")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return super().get_queryset(request).prefetch_related("prices__token")

    @admin.display(description="next")
    def next(self, payment: Any) -> str:
        return ", ".join(payment.next_steps()) or "nothing"

    @admin.display(description="timeline")
    def timeline(self, payment: Any) -> SafeString:
        rows = format_html_join(
            "",
            "<tr><td>{}</td><td>{}</td><td>{}</td></tr>",
            ((f"{each.at:%Y-%m-%d %H:%M:%S}", each.what, each.detail) for each in timeline(payment)),
        )
        return format_html(
            '<div class="results"><table><tr><th>when (UTC)</th><th>what</th><th></th></tr>{}</table></div>', rows
        )

    @admin.action(description="Recheck now", permissions=["decide"])
    def recheck(self, request: HttpRequest, payments: QuerySet[Any]) -> None:
        owners = list(payments.values_list("recipient", flat=True))
        accounts = models.WatchedAccount.objects.filter(owner__in=owners).update(next_look_at=timezone.now())
        self.message_user(request, f"The watcher looks at {accounts} accounts next.")

    @admin.action(description="Accept late money", permissions=["decide"])
    def accept_late(self, request: HttpRequest, payments: QuerySet[Any]) -> None:
        late = list(payments.filter(money=Money.LATE.value).order_by("pk"))
        accepted = settled = 0
        for payment in late:
            try:
                settled += public.accept_late(payment).status == Status.SETTLED
            except public.GoesBack:
                told = f"{payment.public_id}: its money goes back to who paid. It cannot be accepted as well."
                self.message_user(request, told, messages.WARNING)
                continue
            accepted += 1
            self.log_change(request, payment, "Accepted late money.")
        self.message_user(request, f"{accepted} accepted, {settled} of them settled.")

    @admin.action(description="Ask the signer to refund what is refundable", permissions=["decide"])
    def ask_for_refund(self, request: HttpRequest, payments: QuerySet[Any]) -> None:
        for payment in payments.order_by("pk"):
            try:
                jobs = request_refunds(payment)
            except CannotRefund as refused:
                self.message_user(request, f"{payment.public_id}: {refused.problem}", messages.WARNING)
                continue
            self.log_change(request, payment, f"Asked for {len(jobs)} refunds.")
            self.message_user(request, f"{payment.public_id}: {len(jobs)} refunds asked for; the signer sends them.")


THRESHOLDS: dict[str, cells.Cell] = {
    "dust_below": cells.dust_below,
    "second_opinion_from": cells.second_opinion_from,
}


class TokenAdmin(ReadOnlyAdmin):
    """Tokens are added by `accept_token`, which asks the chain; here they are switched on and off, and thresholds set."""

    list_display = (
        "symbol",
        "name",
        cells.code_of("mint"),
        "decimals",
        cells.dust_below,
        cells.second_opinion_from,
        "is_active",
    )
    list_filter = ("is_active",)
    search_fields = ("symbol", "name", "=mint")
    readonly_fields = ("mint", "program", "decimals", "extensions")
    form = TokenForm

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        """Thresholds are typed in the form's own fields; who may only look reads them in the token's units as well."""
        names = super().get_fields(request, obj)
        if self.has_change_permission(request, obj):
            return names
        return list(dict.fromkeys(THRESHOLDS.get(name, name) for name in names))

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        readonly = super().get_readonly_fields(request, obj)
        return readonly if self.has_change_permission(request, obj) else [*readonly, *THRESHOLDS.values()]

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return super(ReadOnlyAdmin, self).has_change_permission(request, obj)


@admin.register(models.Transfer)
class TransferAdmin(ReadOnlyAdmin):
    list_display = (
        cells.transferred,
        cells.payment_link,
        cells.code_of("signature"),
        cells.code_of("account"),
        "block_time",
    )
    instead: ClassVar[Any] = {"amount": cells.transferred, "fee": cells.fee_paid}
    hides = ("token", "decimals")
    list_filter = ("token", "block_time")
    list_select_related = ("token", "payment")
    search_fields = ("=signature", "=account", "=owner", "=payment__public_id")


@admin.register(models.UnmatchedReceipt)
class UnmatchedReceiptAdmin(ReadOnlyAdmin):
    """Change two fields of an open one: the payment it belongs to, or the note that ends it."""

    list_display = (
        "amount",
        "reason",
        "state",
        cells.code_of("transfer__signature", "signature"),
        "opened_at",
        "ended_at",
    )
    list_filter = ("state", "reason")
    list_select_related = ("transfer__token",)
    search_fields = ("=transfer__signature", "=transfer__account", "note")
    fields = ("amount", "transfer", "reason", "state", "opened_at", "ended_at", "belongs_to", "note")
    readonly_fields = ("amount", "transfer", "reason", "state", "opened_at", "ended_at")

    @admin.display(description="amount", ordering="transfer__amount")
    def amount(self, receipt: models.UnmatchedReceipt) -> str:
        return cells.transferred(receipt.transfer)

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        if not self.has_change_permission(request, obj):
            return super().get_form(request, obj, change, **{**kwargs, "fields": ("note",)})
        return super().get_form(request, obj, change, **{**kwargs, "form": UnmatchedForm})

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        names = self.fields or ()
        return names if self.has_change_permission(request, obj) else [name for name in names if name != "belongs_to"]

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        if obj is not None and obj.state != models.UnmatchedReceipt.State.OPEN:
            return False
        return super(ReadOnlyAdmin, self).has_change_permission(request, obj)

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        payment = form.cleaned_data["belongs_to"]
        note = form.cleaned_data["note"]
        try:
            if payment is not None:
                public.allocate(obj, payment, note)
            else:
                public.close_unmatched(obj, note)
        except public.AlreadyAllocated:
            self.message_user(
                request, "Somebody else was faster: it has its payment or its note already.", messages.ERROR
            )


@admin.register(models.Wallet)
class WalletAdmin(ReadOnlyAdmin):
    list_display = (cells.code_of("address", "wallet"), "reference", "claimed_at", "withdrawn_at", "epoch", "index")
    list_filter = ("epoch", "claimed_at")
    search_fields = ("=address", "=reference")


@admin.register(models.SignerJob)
class SignerJobAdmin(ReadOnlyAdmin):
    list_display = ("id", "kind", "state", cells.asked_for, cells.moved, "reason", "requested_at")
    list_filter = ("kind", "state")
    search_fields = ("=key", "=signature", "=receipt", "=destination")
    instead: ClassVar[Any] = {"amount": cells.asked_for, "moved": cells.moved}

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return cells.with_tokens(super().get_queryset(request))


@admin.register(models.Event)
class EventAdmin(ReadOnlyAdmin):
    list_display = ("name", cells.payment_link, "created_at", "told_at", "attempts", "last_error")
    list_select_related: ClassVar[Any] = ("payment",)
    list_filter = ("name",)
    search_fields = ("=key", "=payment__public_id")


@admin.register(models.WebhookEndpoint)
class WebhookEndpointAdmin(admin.ModelAdmin):  # type: ignore[type-arg]  # subscriptable in stubs only
    list_display = ("url", "is_active", "created_at")
    fields = ("url", "names", "is_active", "created_at")
    readonly_fields = ("created_at",)
    actions = None


@admin.register(models.WebhookDelivery)
class WebhookDeliveryAdmin(ReadOnlyAdmin):
    list_display = ("endpoint", "event", "delivered_at", "attempts", "last_status", "last_error")
    list_filter = ("last_status",)
    list_select_related: ClassVar[Any] = ("endpoint", "event")
    actions = ("deliver_again",)

    @admin.action(description="Deliver again", permissions=["decide"])
    def deliver_again(self, request: HttpRequest, deliveries: QuerySet[Any]) -> None:
        due = deliveries.update(due_at=timezone.now(), delivered_at=None, leased_until=None, attempts=0)
        self.message_user(request, f"{due} are sent again.")


for _model, _admin in ((payment_model(), PaymentAdmin), (token_model(), TokenAdmin)):
    if not admin.site.is_registered(_model):
        admin.site.register(_model, _admin)

"""A provider for django-payments. Needs the extra `django-payments`.

    PAYMENT_VARIANTS = {
        "solana": ("mutoscope.engines.solana.integrations.django_payments.SolanaProvider", {"par": {"USD": [USDC]}}),
    }

Import this module in an `AppConfig.ready`: then the worker confirms a payment whose payer never came back to the site.
What is charged is the order's `total` in its `currency`, and the request that comes back is believed in nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from django import forms
from django.db import transaction
from django.dispatch import receiver
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.loader import render_to_string
from django.utils.module_loading import import_string
from django.utils.safestring import SafeString
from payments import PaymentError, PaymentStatus, get_payment_model
from payments.core import BasicProvider
from payments.forms import PaymentForm

from mutoscope.engines.solana import public
from mutoscope.engines.solana.outbox import signals
from mutoscope.engines.solana.payments.abstract import AbstractPayment

PREFIX = "django-payments:"
OPEN = (PaymentStatus.WAITING, PaymentStatus.INPUT)
Quote = Callable[[Any], Mapping[str, int]]


class SolanaProvider(BasicProvider):
    """`par`: by currency, the mints of which one token is one unit of it. `quote`: for everything else, a function (or its
    dotted name) from the django-payments payment to base units by mint. `receive_by` as for `create_payment`.
    """

    def __init__(
        self,
        *,
        par: Mapping[str, Sequence[str]] | None = None,
        quote: str | Quote | None = None,
        receive_by: str | None = None,
        capture: bool = True,
    ) -> None:
        super().__init__(capture=capture)
        if not capture:
            raise ValueError("money on a chain is captured when it arrives: there is no preauthorisation")
        self._par = dict(par or {})
        self._quote: Quote | None = import_string(quote) if isinstance(quote, str) else quote
        self._receive_by = receive_by

    def payment_of(self, payment: Any) -> AbstractPayment:
        """What is to be paid on chain for it, made once. Raises PaymentError if the order has changed since it was offered."""
        asked = _asked(payment)
        known: AbstractPayment | None = public.payment_model().objects.filter(idempotency_key=_key(payment)).first()
        if known is None:
            known = public.create_payment(
                self._prices(payment),
                purpose=_key(payment),
                idempotency_key=_key(payment),
                receive_by=self._receive_by,
                metadata=asked,
            )
        if known.metadata != asked:
            raise PaymentError("The order's amount has changed since it was offered. Begin a new payment.")
        return known

    def get_form(self, payment: Any, data: Any = None) -> PaymentForm:
        """A form that is the pay panel. It posts nothing that matters."""
        stands = self.payment_of(payment)
        if payment.status == PaymentStatus.WAITING:
            payment.change_status(PaymentStatus.INPUT)
        form = PaymentForm({}, self.get_return_url(payment), "post")
        panel = _Panel(stands, payment.get_process_url())
        form.fields["solana"] = forms.Field(required=False, label="", widget=panel)
        return form

    def process_data(self, payment: Any, request: HttpRequest) -> HttpResponse:
        """Where the payer comes back to. Looks at what is recorded; nothing in the request is read."""
        stands = public.payment_model().objects.filter(idempotency_key=_key(payment)).first()
        if stands is not None and stands.status == public.Status.SETTLED and _confirm(payment.pk, stands):
            return HttpResponseRedirect(payment.get_success_url())
        if stands is None or stands.status in (public.Status.EXPIRED, public.Status.SETTLED):
            return HttpResponseRedirect(payment.get_failure_url())
        return HttpResponse("Not paid yet.", status=409, content_type="text/plain")

    def refund(self, payment: Any, amount: Any = None) -> Any:
        """Refused: the signer sends money back, to who paid, when an operator asks (see docs/keys.md)."""
        raise PaymentError("Ask for refunds in the admin: they are sent by the signer, not by a request.")

    def _prices(self, payment: Any) -> Mapping[str, int]:
        if self._quote is not None:
            return self._quote(payment)
        mints = self._par.get(payment.currency, ())
        tokens = public.token_model().objects.filter(mint__in=mints, is_active=True)
        prices = {token.mint: public.base_units(str(payment.total), token.decimals) for token in tokens}
        if not prices:
            raise PaymentError(f"Nothing is configured to pay {payment.currency} with.")
        return prices


class _Panel(forms.Widget):
    def __init__(self, payment: AbstractPayment, success_url: str) -> None:
        super().__init__()
        self._payment = payment
        self._success_url = success_url

    def render(self, name: str, value: Any, attrs: Any = None, renderer: Any = None) -> SafeString:
        context = {"payment": self._payment, "success_url": self._success_url}
        return render_to_string("mutoscope_solana/panel_alone.html", context)


@receiver(signals.settled, dispatch_uid="mutoscope_solana.django_payments")
def confirm_settled(payment: AbstractPayment | None, **_: Any) -> None:
    """A payment of ours is settled: so is django-payments'."""
    if payment is not None and payment.purpose.startswith(PREFIX):
        row = get_payment_model().objects.filter(token=payment.purpose.removeprefix(PREFIX)).first()
        if row is not None:
            _confirm(row.pk, payment)


def _confirm(pk: Any, stands: AbstractPayment) -> bool:
    """Confirm once, and only what was asked for; whether it is confirmed."""
    with transaction.atomic():
        row = get_payment_model().objects.select_for_update().get(pk=pk)
        if row.status in OPEN and _asked(row) == stands.metadata:
            row.captured_amount, row.transaction_id = row.total, stands.signature
            row.save(update_fields=["captured_amount", "transaction_id"])
            row.change_status(PaymentStatus.CONFIRMED)
        return bool(row.status == PaymentStatus.CONFIRMED)


def _key(payment: Any) -> str:
    return f"{PREFIX}{payment.token}"


def _asked(payment: Any) -> dict[str, str]:
    # As the database will say it: 50 and 50.00 are one total.
    return {"total": f"{payment.total:.2f}", "currency": payment.currency}

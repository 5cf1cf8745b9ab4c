from __future__ import annotations

from payments.models import BasePayment


class Order(BasePayment):
    class Meta:
        app_label = "store"

    def get_success_url(self) -> str:
        return "/thanks/"

    def get_failure_url(self) -> str:
        return "/failed/"

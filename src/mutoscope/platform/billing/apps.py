from __future__ import annotations

from django.apps import AppConfig


class BillingConfig(AppConfig):
    name = "mutoscope.platform.billing"
    label = "billing"
    verbose_name = "Points and money"

    def ready(self) -> None:
        from mutoscope.platform.accounts.public import OPERATOR, SUPPORT, add_rights
        from mutoscope.platform.billing.payouts import signing
        from mutoscope.platform.billing.reconcile import tasks  # noqa: F401 - declares its schedule
        from mutoscope.platform.billing.topup import crediting

        crediting.listen()
        signing.listen()
        looks = [
            f"billing.view_{name}"
            for name in (
                "bundle",
                "bundlepurchase",
                "coupon",
                "pack",
                "offer",
                "entitlement",
                "purchase",
                "tip",
                "refund",
                "payout",
                "payoutaddress",
                "reconciliation",
            )
        ]
        add_rights(
            OPERATOR, *looks, "billing.add_pack", "billing.change_pack", "billing.add_refund", "billing.change_payout"
        )
        add_rights(SUPPORT, *looks)

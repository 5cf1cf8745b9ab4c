from __future__ import annotations

from django.apps import AppConfig


class BillingConfig(AppConfig):
    name = "mutoscope.platform.billing"
    label = "billing"
    verbose_name = "Points and money"

    def ready(self) -> None:
        from mutoscope.platform.accounts.public import OPERATOR, SUPPORT, add_rights
        from mutoscope.platform.billing.monthly import tasks as monthly_tasks  # noqa: F401 - declares its schedule
        from mutoscope.platform.billing.payouts import signing
        from mutoscope.platform.billing.reconcile import tasks  # noqa: F401 - declares its schedule
        from mutoscope.platform.billing.sweeps import tasks as sweep_tasks  # noqa: F401 - declares its schedule
        from mutoscope.platform.billing.topup import crediting
        from mutoscope.platform.billing.topup_refunds import signing as refund_signing

        crediting.listen()
        signing.listen()
        refund_signing.listen()
        looks = [
            f"billing.view_{name}"
            for name in (
                "bundle",
                "bundlepurchase",
                "coupon",
                "pack",
                "monthlystatement",
                "offer",
                "entitlement",
                "purchase",
                "tip",
                "refund",
                "grant",
                "payout",
                "payoutaddress",
                "reconciliation",
                "topup",
                "topuprefund",
            )
        ]
        add_rights(
            OPERATOR,
            *looks,
            "billing.add_pack",
            "billing.change_pack",
            "billing.add_refund",
            "billing.add_grant",
            "billing.change_payout",
            "billing.change_topuprefund",
            "billing.change_monthlystatement",
            # To compare now: what was found is nobody's to change.
            "billing.change_reconciliation",
        )
        add_rights(SUPPORT, *looks)

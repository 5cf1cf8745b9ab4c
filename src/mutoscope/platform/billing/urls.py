"""Addresses of points, prices and earnings."""

from __future__ import annotations

from django.urls import URLPattern, URLResolver, path, re_path

from mutoscope.platform.billing.api.endpoints import api
from mutoscope.platform.billing.bundles import endpoints as bundles
from mutoscope.platform.billing.coupons import endpoints as coupons
from mutoscope.platform.billing.earnings import endpoints as earnings
from mutoscope.platform.billing.library import endpoints as library
from mutoscope.platform.billing.monthly import endpoints as monthly
from mutoscope.platform.billing.payouts import endpoints as payouts
from mutoscope.platform.billing.pricing import endpoints as pricing
from mutoscope.platform.billing.tips import endpoints as tips
from mutoscope.platform.billing.topup import endpoints as topup
from mutoscope.platform.billing.topup_refunds import endpoints as refunds
from mutoscope.platform.billing.unlock import endpoints as unlock
from mutoscope.platform.billing.wallet import endpoints as wallet

# The form of a film's public id, as videos makes them.
FILM = r"(?P<public_id>[a-z0-9]{12})"

# The number of a monthly statement, as it is printed.
STATEMENT = r"(?P<label>[0-9]{4}-[0-9]{6,9})"

urlpatterns: list[URLPattern | URLResolver] = [
    re_path(rf"^unlock/{FILM}/$", unlock.unlock, name="unlock"),
    re_path(rf"^tip/{FILM}/$", tips.tip, name="tip"),
    re_path(rf"^tip/{FILM}/shown/$", tips.shown, name="tips-shown"),
    path("wallet/", wallet.wallet, name="wallet"),
    path("wallet/statement.csv", wallet.statement_csv, name="wallet-csv"),
    path("wallet/top-up/", topup.choose, name="top-up"),
    path("wallet/top-ups/<slug:public_id>/", topup.show, name="top-up-payment"),
    path("wallet/top-ups/<slug:public_id>/standing/", topup.standing, name="top-up-standing"),
    path("wallet/top-ups/<slug:public_id>/play/", topup.pay_with_play_money, name="top-up-play"),
    path("wallet/top-ups/<slug:public_id>/refunds/", refunds.refunds, name="top-up-refunds"),
    path("wallet/top-ups/<slug:public_id>/refund/", refunds.ask, name="top-up-refund"),
    path("wallet/top-ups/<slug:public_id>/refund/<int:number>/cancel/", refunds.cancel, name="top-up-refund-cancel"),
    path("wallet/top-ups/<slug:public_id>/refund/<slug:nonce>/", refunds.proof, name="top-up-refund-proof"),
    path("library/", library.library, name="library"),
    re_path(rf"^studio/films/{FILM}/price/$", pricing.price, name="film-price"),
    path("studio/coupons/", coupons.coupons, name="coupons"),
    re_path(r"^studio/coupons/(?P<code>[A-Z0-9-]{3,24})/end/$", coupons.end_coupon, name="coupon-end"),
    re_path(r"^bundles/(?P<public_id>[a-z0-9]{12})/$", bundles.bundle, name="bundle"),
    path("studio/bundles/", bundles.bundles, name="bundles"),
    re_path(r"^studio/bundles/(?P<public_id>[a-z0-9]{12})/end/$", bundles.end_bundle, name="bundle-end"),
    path("studio/earnings/", earnings.earnings, name="earnings"),
    re_path(r"^studio/earnings/statement\.(?P<kind>csv|json)$", earnings.statement, name="earnings-statement"),
    path("studio/earnings/statements/", monthly.statements, name="monthly-statements"),
    re_path(rf"^studio/earnings/statements/{STATEMENT}/$", monthly.statement, name="monthly-statement"),
    re_path(
        rf"^studio/earnings/statements/{STATEMENT}\.(?P<kind>csv|json)$",
        monthly.statement,
        name="monthly-statement-file",
    ),
    path("studio/earnings/address/", payouts.address, name="payout-address"),
    path("studio/earnings/address/name/", payouts.name_address, name="payout-address-name"),
    path("studio/earnings/address/<slug:nonce>/", payouts.proof, name="payout-address-proof"),
    path("studio/earnings/address/<slug:nonce>/prove/", payouts.prove_address, name="payout-address-prove"),
    path("studio/earnings/payouts/", earnings.request_payout, name="payout-request"),
    path("studio/earnings/payouts/<int:number>/cancel/", earnings.cancel_payout, name="payout-cancel"),
    path("studio/earnings/tips/<int:number>/", earnings.choose_tip, name="tip-choice"),
    path("api/billing/", api.urls),
]

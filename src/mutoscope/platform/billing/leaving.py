"""What closing an account means for points and money: what is under way ends first, and the books keep what they need."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from django.db.models import F
from django.db.models.functions import Now
from django.urls import reverse

from mutoscope.platform.accounts.public import Channel, Hindrance, Holder, Person, Section, channel_of
from mutoscope.platform.billing import books
from mutoscope.platform.billing.books import Kind
from mutoscope.platform.billing.domain.money import points_text
from mutoscope.platform.billing.models import (
    Bundle,
    BundlePurchase,
    Coupon,
    CouponUse,
    Entitlement,
    Payout,
    PayoutAddress,
    Purchase,
    RefundAddress,
    Tip,
    TopUp,
    TopUpRefund,
)
from mutoscope.platform.billing.payouts.available import earnings_of, payout_rules
from mutoscope.platform.billing.statements import fetch
from mutoscope.platform.billing.wallet.statement import every_page


class KeptMoney(Holder):
    """A person's points and purchases, and what their channel earned."""

    def hindrances(self, person: Person, /) -> Sequence[Hindrance]:
        found = []
        for (public_id,) in fetch("topup", "under_way", {"person_id": person.pk}):
            there = reverse("top-up-payment", args=[public_id])
            sentence = "A top-up is under way. Wait until it is credited, or until its time is over."
            found.append(Hindrance(sentence, there, "The top-up"))
        refund = TopUpRefund.objects.filter(top_up__person=person, state__in=TopUpRefund.OPEN).select_related("top_up")
        for asked in refund[:1]:
            there = reverse("top-up-refunds", args=[asked.top_up.public_id])
            found.append(
                Hindrance("Money of a top-up is on its way back. Wait for it, or cancel that.", there, "The refund")
            )
        channel = channel_of(person)
        return found if channel is None else [*found, *_not_paid_out(channel)]

    def losses(self, person: Person, /) -> Sequence[str]:
        lost = []
        points = books.points_of(person.pk)
        if points:
            lost.append(f"You lose {points_text(points)}. Points are not turned back into money.")
        for_life = Entitlement.objects.filter(viewer=person, expires_at=None).count()
        if for_life:
            films = "1 film that you unlocked" if for_life == 1 else f"{for_life:,} films that you unlocked"
            lost.append(f"You lose {films} for life. A new account does not get them back.")
        lost.append("Notes that you wrote with tips are erased.")
        channel = channel_of(person)
        earned = earnings_of(channel.pk).posted if channel is not None else 0
        if 0 < earned < payout_rules().points_min:
            least = points_text(payout_rules().points_min)
            lost.append(f"You lose {points_text(earned)} of earnings: the smallest payout is {least}.")
        return lost

    def files(self, person: Person, /) -> Sequence[tuple[str, str]]:
        statement = [("Your statement (CSV)", reverse("wallet-csv"))]
        if channel_of(person) is not None:
            statement.append(("Your channel's statements", reverse("monthly-statements")))
        return statement

    def erase(self, person: Person, /) -> None:
        Tip.objects.filter(viewer=person).update(note="", may_be_shown=False)
        named = RefundAddress.objects.filter(top_up__person=person)
        named.exclude(pk__in=TopUpRefund.objects.filter(address__isnull=False).values("address")).delete()
        # What was signed names account and channel; where money went stays, for the books.
        named.update(message="")
        channel = channel_of(person)
        if channel is not None:
            self._erase_of_channel(channel)

    def _erase_of_channel(self, channel: Channel) -> None:
        addresses = PayoutAddress.objects.filter(channel=channel)
        addresses.exclude(pk__in=Payout.objects.filter(address__isnull=False).values("address")).delete()
        addresses.update(message="")
        coupons = Coupon.objects.filter(channel=channel)
        coupons.exclude(pk__in=CouponUse.objects.values("coupon")).delete()
        coupons.filter(ended_at=None).update(ended_at=Now())
        bundles = Bundle.objects.filter(channel=channel)
        bundles.exclude(pk__in=BundlePurchase.objects.values("bundle")).delete()
        bundles.filter(ended_at=None).update(ended_at=Now())

    def sections(self, person: Person, /) -> Iterator[Section]:
        account = books.find_account(Kind.POINTS, person.pk)
        yield "points", (line.as_dict() for page in every_page(account) for line in page)
        bought = Purchase.objects.filter(viewer=person).order_by("pk")
        yield (
            "purchases",
            bought.values(
                "term",
                "price_points",
                "discount_points",
                "bought_at",
                "expires_at",
                "refunded_at",
                film=F("video__title"),
            ),
        )
        top_ups = TopUp.objects.filter(person=person).order_by("pk")
        yield (
            "top_ups",
            top_ups.values("public_id", "points", "bonus_points", "price_usd_cents", "asked_at", "credited_at"),
        )
        tips = Tip.objects.filter(viewer=person).order_by("pk")
        yield "tips", tips.values("points", "note", "given_at", film=F("video__title"))
        back = TopUpRefund.objects.filter(top_up__person=person).order_by("pk")
        yield (
            "refunds_of_top_ups",
            back.values("symbol", "decimals", "amount", "state", "asked_at", "ended_at", to=F("address__address")),
        )
        paid = Payout.objects.filter(channel__owner=person).order_by("pk")
        yield (
            "payouts",
            paid.values("number", "points", "state", "reference", "asked_at", "ended_at", to=F("address__address")),
        )


def _not_paid_out(channel: Channel) -> Iterator[Hindrance]:
    there = reverse("earnings")
    if Payout.objects.filter(channel=channel, state__in=Payout.OPEN).exists():
        yield Hindrance("A payout is under way. Wait until it has ended.", there, "Earnings")
        return
    earnings, rules = earnings_of(channel.pk), payout_rules()
    if earnings.posted < rules.points_min:
        # Too little to be paid out at all: `losses` says so.
        return
    if earnings.available() >= rules.points_min:
        yield Hindrance(
            f"{points_text(earnings.available())} were earned and not paid out. Take a payout first.", there, "Earnings"
        )
        return
    yield Hindrance(
        f"{points_text(earnings.posted)} were earned and not paid out. They can be, {rules.delay_days} days after the last sale.",
        there,
        "Earnings",
    )

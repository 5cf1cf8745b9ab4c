"""What an operator sees first: money in, out and owed, what waits for somebody, and how the machine is."""

from __future__ import annotations

import platform
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

import django
from django.conf import settings
from django.db import connection
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone

import mutoscope
from mutoscope.engines.solana.models import Lease, SignerReport, UnmatchedReceipt, WatchedAccount
from mutoscope.engines.solana.public import Money
from mutoscope.engines.solana.watcher.findings import watcher_findings
from mutoscope.engines.tasks.models import WorkerRecord
from mutoscope.engines.tasks.queue.backend import backend_of
from mutoscope.engines.tasks.queue.metrics import dead_letters, depths
from mutoscope.platform.billing.public import (
    LeftOver,
    last_reconciliation,
    left_over,
    money_since,
    packs_paid_out_for_more,
    refunds_waiting,
    usd,
)
from mutoscope.platform.support.models import Mail, MailState

DAYS = 30
# A disk fuller than this, or with less left, is worth a colour.
FULL_PERCENT = 90
GIB = 1024**3
# A task that is ready for longer has no worker to take it.
WAITED_S_MAX = 600
SIGNER_SILENCE_MAX = timedelta(minutes=5)
# A mail that failed so often, over some minutes, waits for its server rather than for its turn.
MAIL_ATTEMPTS_MAX = 3
# Each takes some lines.
PACKS_NAMED = 2


@dataclass(frozen=True, slots=True)
class Figure:
    """One number with its name; `href` leads to the rows behind it.

    `is_alarm` where somebody should do something: `act` says what, and `is_broken` that it is the site itself that needs it
    rather than somebody who waits.
    """

    name: str
    value: str
    hint: str = ""
    href: str = ""
    is_alarm: bool = False
    act: str = "Look"
    is_broken: bool = False
    alone: str = ""

    def full_name(self) -> str:
        """Its name where its panel's title does not stand above it."""
        return self.alone or self.name


@dataclass(frozen=True, slots=True)
class Panel:
    title: str
    figures: list[Figure]


def panels(request: HttpRequest) -> list[Panel]:
    """The panels that this member of the staff may see, by the same rights as the lists behind them."""
    asked: tuple[tuple[str, Callable[[], Panel]], ...] = (
        ("billing.view_payout", _money),
        ("mutoscope_solana.view_payment", _payments),
        ("billing.view_reconciliation", _books),
        ("tasks.view_livetask", _queues),
        ("support.view_mail", _mail),
        ("tasks.view_livetask", _machine),
    )
    return [make() for right, make in asked if request.user.has_perm(right)]


def urgent(seen: list[Panel]) -> list[Figure]:
    """What needs somebody now: first what is broken, then who waits."""
    alarms = [figure for panel in seen for figure in panel.figures if figure.is_alarm]
    return sorted(alarms, key=lambda figure: not figure.is_broken)


def _money() -> Panel:
    money = money_since(timezone.now() - timedelta(days=DAYS))
    payouts = reverse("admin:billing_payout_changelist")
    words = f"{_counted(money.top_ups, 'top-up')}, {money.top_up_points:,} points"
    waiting_refunds = refunds_waiting()
    waiting = f"{money.waiting_payout_points:,} points in {money.waiting_payouts:,}"
    return Panel(
        f"Money, last {DAYS} days",
        [
            Figure("In", usd(money.top_up_cents), words),
            Figure("Out", f"{money.payout_points:,} points", _counted(money.payouts, "payout") + " paid", payouts),
            Figure("Owed to creators", f"{money.owed_to_creators:,} points", f"{money.held:,} held for payouts"),
            Figure("Owed to viewers", f"{money.owed_to_viewers:,} points", "bought or given, not spent"),
            Figure("Fees", f"{money.fees:,} points", "since the beginning"),
            Figure(
                "Payouts that wait for approval",
                f"{money.waiting_payouts:,}",
                waiting if money.waiting_payouts else "none",
                f"{payouts}?state__exact=waiting",
                is_alarm=money.waiting_payouts > 0,
                act="Approve or refuse",
            ),
            Figure(
                "Refunds that wait for approval",
                f"{waiting_refunds:,}",
                "money of top-ups that bought no points",
                f"{reverse('admin:billing_topuprefund_changelist')}?state__exact=requested",
                is_alarm=waiting_refunds > 0,
                act="Approve or refuse",
            ),
            *_packs(),
        ],
    )


def _packs() -> list[Figure]:
    """Packs that print money; nothing where there are none."""
    found = packs_paid_out_for_more()
    if not found:
        return []
    named = "; ".join(f"“{pack.title}” {why.sums()}" for pack, why in found[:PACKS_NAMED])
    more = len(found) - PACKS_NAMED
    return [
        Figure(
            "Packs that pay out more than they cost",
            f"{len(found):,}",
            f"{named}; and {more:,} more" if more > 0 else named,
            reverse("admin:billing_pack_changelist"),
            is_alarm=True,
            is_broken=True,
            act="Raise the price, or end the sale",
        )
    ]


def _payments() -> Panel:
    """What went back, or is on its way, needs nobody's look any more."""
    listed = reverse("admin:mutoscope_solana_payment_changelist")
    receipts = reverse("admin:mutoscope_solana_unmatchedreceipt_changelist")
    odd = left_over()
    late, foreign = odd.get(Money.LATE, LeftOver()), odd.get(Money.FOREIGN, LeftOver())
    more = [odd.get(money, LeftOver()) for money in (Money.OVER, Money.DOUBLE)]
    less = odd.get(Money.PARTIAL, LeftOver())
    unmatched = UnmatchedReceipt.objects.filter(state=UnmatchedReceipt.State.OPEN).count()
    too_little = f"{listed}?money__exact=partial&status__exact=expired"
    return Panel(
        "Payments that need a look",
        [
            _left_over("Late", "credit or refund", f"{listed}?money__exact=late", late, act="Credit or leave"),
            _left_over("Another token", "can be refunded", f"{listed}?money__exact=foreign", foreign, act="Look"),
            _left_over("Too much, or twice", "the rest can be refunded", f"{listed}?money__in=over,double", *more),
            _left_over("Too little, over", "can be refunded", too_little, less),
            Figure(
                "Nobody's",
                f"{unmatched:,}",
                "receipts that fit no payment",
                f"{receipts}?state__exact=open",
                is_alarm=unmatched > 0,
                act="Say whose",
                alone="Nobody's receipts",
            ),
        ],
    )


def _left_over(name: str, hint: str, href: str, *counts: LeftOver, act: str = "") -> Figure:
    """Somebody should look where there is something to do about it."""
    left, sent_back = sum(each.left for each in counts), sum(each.sent_back for each in counts)
    told = f"{hint}; {sent_back:,} more went back" if sent_back else hint
    return Figure(
        name, f"{left:,}", told, href, is_alarm=bool(act) and left > 0, act=act, alone=f"Payments: {name.lower()}"
    )


def _counted(number: int, what: str) -> str:
    return f"{number:,} {what}" + ("" if number == 1 else "s")


def _books() -> Panel:
    last = last_reconciliation()
    listed = reverse("admin:billing_reconciliation_changelist")
    if last is None:
        return Panel("Reconciliation", [Figure("Last", "never", "runs at night, and when you ask for it", listed)])
    age = timezone.now() - last.at
    found = "all is well" if last.is_clean else _counted(len(last.findings), "finding")
    when = f"{last.at:%d %B, %H:%M} UTC"
    return Panel(
        "Reconciliation",
        [
            Figure(
                "Last",
                found,
                when,
                listed if last.is_clean else reverse("admin:billing_reconciliation_change", args=[last.pk]),
                is_alarm=not last.is_clean or age > timedelta(days=2),
                act="Compare now" if last.is_clean else "See what differs",
                is_broken=True,
                alone="Last reconciliation",
            )
        ],
    )


def _queues() -> Panel:
    backend = backend_of("default")
    dead = dead_letters(backend)
    live = reverse("admin:tasks_livetask_changelist")
    figures = [
        Figure(
            f"Queue {queue}",
            f"{depth.ready:,} ready",
            f"{depth.running:,} running, {depth.deferred:,} later, oldest {depth.oldest_s:.0f} s",
            f"{live}?queue={queue}",
            is_alarm=depth.oldest_s > WAITED_S_MAX,
            act="See what waits",
            is_broken=True,
        )
        for queue, depth in depths(backend).items()
    ]
    failed = sum(dead.values())
    ended = reverse("admin:tasks_finishedtask_changelist")
    dead_ones = Figure(
        "Failed for good",
        f"{failed:,}",
        "kept to be looked at",
        f"{ended}?status__exact=2",
        is_alarm=failed > 0,
        act="Retry or drop",
        is_broken=True,
    )
    return Panel("Work", [_workers(backend.configuration.stale_s), *figures, dead_ones, *_watcher(), *_signer()])


def _workers(stale_s: float) -> Figure:
    since = timezone.now() - timedelta(seconds=stale_s)
    alive = WorkerRecord.objects.filter(ended_at=None, beat_at__gte=since).count()
    return Figure(
        "Workers",
        f"{alive:,}",
        "at work" if alive else "nothing is made, sent or credited: start `mutoscope worker`",
        reverse("admin:tasks_workerrecord_changelist"),
        is_alarm=alive == 0,
        is_broken=True,
    )


def _watcher() -> list[Figure]:
    """Whether somebody looks for payments; nothing where there never was anything to look at."""
    if not Lease.objects.exists() and not WatchedAccount.objects.exists():
        return []
    trouble = " ".join(finding.text for finding in watcher_findings())
    return [
        Figure(
            "Watcher",
            "needs help" if trouble else "well",
            trouble or "looks for payments",
            is_alarm=bool(trouble),
            is_broken=True,
        )
    ]


def _signer() -> list[Figure]:
    """How the signer says it is; nothing where there never was one."""
    said = SignerReport.objects.first()
    if said is None:
        return []
    is_silent = timezone.now() - said.beat_at > SIGNER_SILENCE_MAX
    trouble = f"silent since {said.beat_at:%d %B, %H:%M} UTC" if is_silent else said.trouble
    return [
        Figure(
            "Signer",
            "needs help" if trouble else "well",
            trouble or "sends what it is asked to",
            reverse("admin:mutoscope_solana_signerjob_changelist"),
            is_alarm=bool(trouble),
            is_broken=True,
        )
    ]


def _mail() -> Panel:
    """Mail that does not leave is the site's trouble; one that was refused for its address is whoever's address it is."""
    waiting = Mail.objects.filter(state=MailState.WAITING)
    stuck = waiting.filter(attempts__gte=MAIL_ATTEMPTS_MAX)
    last = stuck.order_by("-id").values_list("last_error", flat=True).first()
    dead = Mail.objects.filter(state=MailState.DEAD, ended_at__gte=timezone.now() - timedelta(days=DAYS)).count()
    listed = reverse("admin:support_mail_changelist")
    return Panel(
        f"Mail, last {DAYS} days",
        [
            Figure(
                "Waiting",
                f"{waiting.count():,}",
                "leaves at its turn" if last is None else f"does not leave: {last}",
                f"{listed}?state__exact=waiting",
                is_alarm=last is not None,
                is_broken=True,
                act="See why",
                alone="Mail",
            ),
            Figure("Given up", f"{dead:,}", "refused, or tried too often", f"{listed}?state__exact=dead"),
        ],
    )


def _machine() -> Panel:
    disk = shutil.disk_usage(settings.HOME)
    used = 100 * (disk.total - disk.free) // disk.total
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_setting('server_version'), pg_database_size(current_database())")
        postgres, size = cursor.fetchone()
    return Panel(
        "Machine",
        [
            Figure(
                "Disk",
                f"{disk.free / GIB:,.1f} GiB free",
                f"{used} % used",
                is_alarm=used >= FULL_PERCENT,
                is_broken=True,
            ),
            Figure("Database", f"{size / GIB:,.2f} GiB", f"PostgreSQL {postgres.split()[0]}"),
            Figure(
                "Mutoscope", mutoscope.__version__, f"Django {django.__version__}, Python {platform.python_version()}"
            ),
        ],
    )

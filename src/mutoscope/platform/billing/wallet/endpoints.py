"""A viewer's points, and the packs."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from mutoscope.platform.accounts.public import login_required
from mutoscope.platform.billing import books
from mutoscope.platform.billing.asker import person_id
from mutoscope.platform.billing.books import Kind
from mutoscope.platform.billing.packs.service import packs_on_sale
from mutoscope.platform.billing.topup.standing import newest_top_ups
from mutoscope.platform.billing.wallet.files import as_csv, sent_as_file
from mutoscope.platform.billing.wallet.statement import BEFORE_MAX, every_page, newest_lines


@never_cache
@login_required
@require_safe
def wallet(request: HttpRequest) -> HttpResponse:
    """Balance, packs, statement."""
    account = books.find_account(Kind.POINTS, person_id(request))
    lines, next_before = newest_lines(account, before_of(request))
    context = {
        "balance": books.points_of(person_id(request)),
        "packs": packs_on_sale(),
        "lines": lines,
        "top_ups": newest_top_ups(person_id(request)),
        "next_before": next_before,
        "is_first_page": "before" not in request.GET,
    }
    return render(request, "billing/wallet/wallet.html", context)


@never_cache
@login_required
@require_safe
def statement_csv(request: HttpRequest) -> HttpResponseBase:
    """Every line as a file."""
    pages = every_page(books.find_account(Kind.POINTS, person_id(request)))
    return sent_as_file(as_csv(pages), "statement", "csv")


def before_of(request: HttpRequest) -> int:
    """Where a page of a statement begins; the newest for anything that is no number."""
    return line_of(request, "before", BEFORE_MAX)


def line_of(request: HttpRequest, name: str, otherwise: int) -> int:
    """The line of a statement that an address names; `otherwise` where that is no number."""
    typed = request.GET.get(name, "")
    return min(int(typed), BEFORE_MAX) if typed.isascii() and typed.isdigit() and len(typed) < 20 else otherwise

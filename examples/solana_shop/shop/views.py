from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from mutoscope.engines.solana.public import create_payment


def buy(request: HttpRequest, order: int) -> HttpResponse:
    payment = create_payment({"": 500_000_000}, purpose=f"order:{order}", idempotency_key=f"order:{order}")
    return render(request, "buy.html", {"payment": payment})

"""The peer's side, run by its own Python, driven like ours.py. It calls what the peer's endpoint and its command call."""

# Django has to be set up before its models are imported.
# ruff: noqa: E402

import json
import logging
import os
import sys
import time

os.environ["DJANGO_SETTINGS_MODULE"] = "peer_settings"
logging.disable(logging.CRITICAL)

import django

django.setup()

from django.core.management import call_command

call_command("migrate", verbosity=0)

from django_solana_payments.models import PaymentCryptoToken, SolanaPayment
from django_solana_payments.services.solana_payments_service import SolanaPaymentsService

PaymentCryptoToken.objects.create(token_type="NATIVE", name="SOL", symbol="SOL", payment_crypto_price="0.01")
PaymentCryptoToken.objects.create(
    token_type="SPL", mint_address=os.environ["BENCH_MINT"], name="USDC", symbol="USDC", payment_crypto_price="1"
)
service = SolanaPaymentsService()
for line in sys.stdin:
    what, *arguments = line.split()
    began = time.perf_counter()
    if what == "create":
        made = [service.create_payment({}) for _ in range(int(arguments[1]))]
        addresses = [{"address": payment.payment_address, "reference": None} for payment in made]
        answer = {"made": addresses, "seconds": time.perf_counter() - began}
    elif what == "check":
        # Or so many of them, which tells how fast it goes without waiting for the end.
        limit = int(arguments[0]) if arguments else 100_000
        service.recheck_initiated_payments_and_process(limit=limit)
        paid = SolanaPayment.objects.exclude(status__in=["initiated", "expired"]).count()
        answer = {"seconds": time.perf_counter() - began, "settled": paid}
    else:
        SolanaPayment.objects.filter(status="initiated").update(status="expired")
        answer = {}
    print(json.dumps(answer), flush=True)

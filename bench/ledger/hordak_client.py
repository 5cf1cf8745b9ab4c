"""django-hordak doing the same unlock, in an environment of its own: `setup`, or `WHERE SECONDS` for one process."""

from __future__ import annotations

import os
import random
import sys
import time
from urllib.parse import unquote, urlsplit

import django
from django.conf import settings

address = urlsplit(os.environ["BENCH_DATABASE_URL"])
settings.configure(
    SECRET_KEY="bench",
    INSTALLED_APPS=["django.contrib.contenttypes", "django.contrib.auth", "mptt", "hordak"],
    DATABASES={
        "default": {
            "ENGINE": "django.db.backends.postgresql",
            "NAME": address.path[1:],
            "USER": address.username,
            "HOST": unquote(address.netloc.rpartition("@")[2]),
            "CONN_MAX_AGE": None,
        }
    },
    USE_TZ=True,
    DEFAULT_CURRENCY="EUR",
    HORDAK_DEFAULT_CURRENCY="EUR",
    HORDAK_CURRENCIES=["EUR"],
    DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
)
django.setup()

from django.core.management import call_command  # noqa: E402
from django.db import connection, transaction  # noqa: E402
from hordak.models import Account, Leg, Transaction  # noqa: E402
from moneyed import Money  # noqa: E402

VIEWERS, CREATORS = 200, 100


def setup() -> None:
    call_command("migrate", verbosity=0)
    for number in range(VIEWERS + CREATORS + 2):
        Account.objects.create(name=str(number), code=str(number), type="LI", currencies=["EUR"])


def unlock(viewer: int, creator: int, platform: int) -> None:
    with transaction.atomic():
        made = Transaction.objects.create()
        for account, amount in ((viewer, -30), (creator, 27), (platform, 3)):
            Leg.objects.create(transaction=made, account_id=account, amount=Money(amount, "EUR"))


def main() -> None:
    if sys.argv[1] == "setup":
        setup()
        return
    where, seconds = sys.argv[1], float(sys.argv[2])
    ids = list(Account.objects.order_by("id").values_list("id", flat=True))
    connection.ensure_connection()
    print("ready", flush=True)
    sys.stdin.readline()
    made, end = 0, time.time() + seconds
    while time.time() < end:
        creator = ids[-1] if where == "hot" else ids[VIEWERS + random.randrange(CREATORS)]
        unlock(ids[random.randrange(VIEWERS)], creator, ids[-2])
        made += 1
    print(made)


main()

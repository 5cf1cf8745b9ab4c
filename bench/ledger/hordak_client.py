"""django-hordak doing the same unlock, in an environment of its own: `setup`, or `WAY SECONDS` for one process: plain, or guarded."""

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
from hordak.utilities.currency import Balance  # noqa: E402
from moneyed import Money  # noqa: E402

VIEWERS, CREATORS = 200, 100
POINTS_EACH = 10**8


def setup() -> None:
    call_command("migrate", verbosity=0)
    for number in range(VIEWERS + CREATORS + 3):
        Account.objects.create(name=str(number), code=str(number), type="LI", currencies=["EUR"])
    *accounts, source = Account.objects.order_by("id")
    with transaction.atomic(), connection.cursor() as cursor:
        made = Transaction.objects.create()
        for viewer in accounts[:VIEWERS]:
            Leg.objects.create(transaction=made, account=viewer, amount=Money(POINTS_EACH, "EUR"))
        Leg.objects.create(transaction=made, account=source, amount=Money(-POINTS_EACH * VIEWERS, "EUR"))
        cursor.execute(
            "CREATE TABLE hordak_entitlement (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, viewer bigint, transfer_id bigint)"
        )


def unlock(viewer: int, creator: int, platform: int) -> None:
    """What hordak does by itself: it lets anybody overdraw, and nothing else is written."""
    with transaction.atomic():
        made = Transaction.objects.create()
        for account, amount in ((viewer, -30), (creator, 27), (platform, 3)):
            Leg.objects.create(transaction=made, account_id=account, amount=Money(amount, "EUR"))


def guarded_unlock(viewer: int, creator: int, platform: int) -> None:
    """What the others do: the viewer has to have the points, and what was bought is written with it."""
    with transaction.atomic():
        held = Account.objects.select_for_update().get(pk=viewer).get_balance()
        if held < Balance([Money(30, "EUR")]):
            raise RuntimeError("the viewer has not enough")
        made = Transaction.objects.create()
        for account, amount in ((viewer, -30), (creator, 27), (platform, 3)):
            Leg.objects.create(transaction=made, account_id=account, amount=Money(amount, "EUR"))
        with connection.cursor() as cursor:
            values = [viewer, made.pk]
            cursor.execute("INSERT INTO hordak_entitlement (viewer, transfer_id) VALUES (%s, %s)", values)


def main() -> None:
    if sys.argv[1] == "setup":
        setup()
        return
    where, seconds = sys.argv[1], float(sys.argv[2])
    way = guarded_unlock if where == "guarded" else unlock
    ids = list(Account.objects.order_by("id").values_list("id", flat=True))
    connection.ensure_connection()
    print("ready", flush=True)
    sys.stdin.readline()
    made, end = 0, time.time() + seconds
    while time.time() < end:
        creator = ids[VIEWERS + random.randrange(CREATORS)]
        way(ids[random.randrange(VIEWERS)], creator, ids[-2])
        made += 1
    print(made)


main()

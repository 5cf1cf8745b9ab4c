"""`manage.py ledger balance|statement|trial-balance|seal|verify|export|expire|restrict`."""

from __future__ import annotations

import argparse
import contextlib
import csv
import json
from argparse import ArgumentParser
from collections.abc import Callable
from datetime import datetime
from itertools import combinations
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import DEFAULT_DB_ALIAS, connections, transaction

from mutoscope.engines.ledger.accounts import Account
from mutoscope.engines.ledger.checking import BIGINT_MAX
from mutoscope.engines.ledger.installation import restrict_sql
from mutoscope.engines.ledger.ledger import HOLDS_EXPIRED_MAX, PAGE_LINES_MAX, Ledger
from mutoscope.engines.ledger.queries import QUERIES, aware
from mutoscope.engines.ledger.sealing import SealingBlocked, SealingNotAllowed, seal
from mutoscope.engines.ledger.verification import verify

PAGE_TRANSFERS = 1000
NAMED = "owner/kind/currency, or the account's id"


class Command(BaseCommand):
    help = "Look into the ledger, seal it, and check it."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--database", default=DEFAULT_DB_ALIAS, help="connection to use")
        commands = parser.add_subparsers(dest="action", required=True)
        balance = commands.add_parser("balance", help="what an account holds, now or at a moment")
        balance.add_argument("account", help=NAMED)
        balance.add_argument("--at", help="a moment in ISO 8601, with its time zone")
        balance.add_argument("--effective", action="store_true", help="count transfers from when they took effect")
        statement = commands.add_parser("statement", help="an account's transfers with the balance after each")
        statement.add_argument("account", help=NAMED)
        statement.add_argument("--after", type=_whole(0, BIGINT_MAX), default=0, help="begin after this transfer id")
        statement.add_argument("--limit", type=_whole(1, PAGE_LINES_MAX), default=100)
        statement.add_argument("--csv", action="store_true")
        commands.add_parser("trial-balance", help="balances by currency and kind of account")
        sealing = commands.add_parser("seal", help="extend the hash chain to now; run it daily")
        sealing.add_argument(
            "--snapshot", action="store_true", default=None, help="note balances as well, even if done today"
        )
        commands.add_parser("verify", help="check every invariant and the hash chain")
        export = commands.add_parser("export", help="every transfer, one JSON object a line, or entries as CSV")
        export.add_argument("--after", type=_whole(0, BIGINT_MAX), default=0, help="begin after this transfer id")
        export.add_argument("--csv", action="store_true")
        expire = commands.add_parser("expire", help="release holds whose time is over")
        expire.add_argument("--limit", type=_whole(1, HOLDS_EXPIRED_MAX), default=1000)
        restrict = commands.add_parser("restrict", help="let a database role post and look, and touch no table")
        restrict.add_argument("role")
        for each in commands.choices.values():
            each.add_argument("--json", action="store_true", help="answer in JSON")
            # Before the action or after it. Without SUPPRESS its default would undo what was said before.
            each.add_argument("--database", default=argparse.SUPPRESS, help="connection to use")

    def handle(self, *_: Any, **options: Any) -> None:
        self.using: str = options["database"]
        self.ledger = Ledger(self.using)
        getattr(self, options["action"].replace("-", "_"))(options)

    def balance(self, options: dict[str, Any]) -> None:
        account = self._account(options["account"])
        if options["at"]:
            moment = _moment(options["at"])
            posted = self.ledger.balance_at(account, moment, by_effective_time=options["effective"])
            self._answer(options, {"account": str(account), "at": moment.isoformat(), "posted": posted})
            return
        now = self.ledger.balance(account)
        figures = {"posted": now.posted, "held": now.held, "available": now.available}
        self._answer(options, {"account": str(account), **figures})

    def statement(self, options: dict[str, Any]) -> None:
        page = self.ledger.statement(self._account(options["account"]), after=options["after"], limit=options["limit"])
        if options["csv"]:
            self.stdout.write(page.as_csv(), ending="")
        elif options["json"]:
            self.stdout.write(page.as_json())
        else:
            for line in page.lines:
                self.stdout.write(
                    f"{line.recorded_at:%Y-%m-%d %H:%M:%S} {line.amount:>+14} {line.balance:>14}  {line.key}"
                )
            if page.next_after is not None:
                self.stdout.write(f"More: --after {page.next_after}")

    def trial_balance(self, options: dict[str, Any]) -> None:
        lines = self.ledger.trial_balance()
        if options["json"]:
            fields = ("currency", "kind", "accounts", "balance", "held")
            self.stdout.write(json.dumps([{name: getattr(line, name) for name in fields} for line in lines]))
            return
        if not lines:
            self.stdout.write("No accounts yet.")
        for line in lines:
            self.stdout.write(f"{line.currency:8} {line.kind:20} {line.accounts:>8} accounts {line.balance:>+18}")

    def seal(self, options: dict[str, Any]) -> None:
        try:
            sealed = seal(self.using, snapshot=options["snapshot"])
        except (SealingBlocked, SealingNotAllowed) as error:
            raise CommandError(str(error)) from None
        self._answer(options, {"transfers": sealed.transfers, "seals": sealed.seals, "through": sealed.through_id})

    def verify(self, options: dict[str, Any]) -> None:
        report = verify(self.using)
        if options["json"]:
            self.stdout.write(json.dumps(report.as_dict()))
        else:
            for check in report.checks:
                word = "ok     " if not check.problems else "BROKEN "
                self.stdout.write(f"{word}{check.claim} ({check.seconds:.1f} s)")
                for problem in check.problems:
                    self.stdout.write(f"       {problem}")
            self.stdout.write(
                f"{report.transfers} transfers, {report.sealed} of them sealed, in {report.seconds:.1f} s. "
                f"Head of the chain: {report.head or 'none'}"
            )
        if not report.is_sound():
            raise CommandError("The ledger is not sound: see the lines above. Stop postings and find out why first.")

    def export(self, options: dict[str, Any]) -> None:
        after = options["after"]
        writer = csv.writer(self.stdout, lineterminator="\n")
        if options["csv"]:
            writer.writerow(["transfer_id", "recorded_at", "effective_at", "kind", "key", "account_id", "amount"])
        while True:
            asked = {"after": after, "limit": PAGE_TRANSFERS}
            rows = QUERIES.fetch(self.using, "export_transfers", asked)
            for row in rows:
                self._export_one(row, writer if options["csv"] else None)
            if len(rows) < PAGE_TRANSFERS:
                return
            after = rows[-1][0]

    def _export_one(self, row: tuple[Any, ...], writer: Any) -> None:
        number, kind, key, *moments, refers_to, link, metadata, accounts, amounts = row
        recorded, effective, expires = (moment and aware(self.using, moment) for moment in moments)
        if writer is not None:
            counts = (effective or recorded).isoformat()
            for account, amount in zip(accounts, amounts, strict=True):
                writer.writerow([number, recorded.isoformat(), counts, kind, key, account, amount])
            return
        legs = [{"account": account, "amount": amount} for account, amount in zip(accounts, amounts, strict=True)]
        exported = {
            "id": number,
            "kind": kind,
            "key": key,
            "recorded_at": recorded.isoformat(),
            "effective_at": effective and effective.isoformat(),
            "expires_at": expires and expires.isoformat(),
            "refers_to": refers_to,
            "link_id": link,
            "metadata": json.loads(metadata),
            "legs": legs,
        }
        self.stdout.write(json.dumps(exported))

    def expire(self, options: dict[str, Any]) -> None:
        self._answer(options, {"expired": self.ledger.expire_holds(options["limit"])})

    def restrict(self, options: dict[str, Any]) -> None:
        asked = {"role": options["role"]}
        found = QUERIES.fetch(self.using, "role_to_restrict", asked)
        if not found:
            raise CommandError(f"There is no role {options['role']!r}. Make it first: CREATE ROLE name LOGIN.")
        schema, role, owns = found[0]
        if owns:
            raise CommandError(f"{role} can act as the owner of the ledger's tables: restrict another role.")
        with transaction.atomic(using=self.using):
            with connections[self.using].cursor() as cursor:
                cursor.execute(restrict_sql(schema, role))
            left = ", ".join(name for (name,) in QUERIES.fetch(self.using, "tables_it_writes", asked))
            if left:
                raise CommandError(
                    f"{role} may still write {left}, as everybody (PUBLIC) or by a role that it is a member of: "
                    "revoke that first. Nothing was changed."
                )
        self._answer(options, {"restricted": options["role"]})

    def _account(self, path: str) -> Account:
        found = self._accounts_called(path)
        if not found:
            raise CommandError(f"There is no account {path!r}. Name it as owner/kind/currency, or by its id.")
        if len(found) > 1:
            ids = ", ".join(str(account.id) for account in found)
            raise CommandError(f"Several accounts are called {path!r}: name the one you mean by its id, of {ids}.")
        return found[0]

    def _accounts_called(self, path: str) -> list[Account]:
        """One, as a rule. Each of the three parts may hold slashes of its own, so every way to read the path is tried."""
        if path.isascii() and path.isdigit() and int(path) <= BIGINT_MAX:
            return [Account(*row) for row in QUERIES.fetch(self.using, "account_by_id", {"account": int(path)})]
        parts = path.split("/")
        ways = combinations(range(1, len(parts)), 2)
        named = (("/".join(parts[:a]), "/".join(parts[a:b]), "/".join(parts[b:])) for a, b in ways)
        return [account for names in named if (account := self.ledger.find_account(*names))]

    def _answer(self, options: dict[str, Any], answer: dict[str, Any]) -> None:
        if options["json"]:
            self.stdout.write(json.dumps(answer))
        else:
            self.stdout.write("\n".join(f"{name}: {value}" for name, value in answer.items()))


def _whole(least: int, most: int) -> Callable[[str], int]:
    """Reads a whole number for argparse, which names the option in its error."""

    def read(text: str) -> int:
        if not (text.isascii() and text.isdigit() and least <= int(text) <= most):
            raise argparse.ArgumentTypeError(f"must be a whole number from {least} to {most}, not {text!r}")
        return int(text)

    return read


def _moment(text: str) -> datetime:
    moment: datetime | None = None
    with contextlib.suppress(ValueError):
        moment = datetime.fromisoformat(text)
    if moment is None or moment.tzinfo is None:
        raise CommandError(f"--at {text!r} is no moment: write it like 2026-03-01T00:00:00+00:00")
    return moment

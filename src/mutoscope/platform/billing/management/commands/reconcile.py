"""`reconcile`: compare the books with what was agreed, now."""

from __future__ import annotations

import json
import sys
from argparse import ArgumentParser
from dataclasses import asdict
from typing import Any

from django.core.management.base import BaseCommand

from mutoscope.engines.solana.public import plain_text
from mutoscope.platform.billing.reconcile.service import Reconcile, ReconcileInputs


class Command(BaseCommand):
    help = "Compare chain, payments, ledger, receipts, entitlements and payouts. Exit code 1 if anything differs."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--json", action="store_true", help="Print machine-readable JSON.")

    def handle(self, *args: Any, **options: Any) -> None:
        done = Reconcile().call(ReconcileInputs())
        findings = done.findings
        if options["json"]:
            found = [{"name": each.name, "meaning": each.meaning, "rows": each.rows} for each in findings]
            lie = [asdict(each) for each in done.holdings]
            self.stdout.write(json.dumps({"is_clean": not found, "findings": found, "holdings": lie}, default=str))
        elif not findings:
            self.stdout.write("All is well: chain, payments, ledger, receipts, entitlements and payouts agree.")
        else:
            for finding in findings:
                more = " or more" if finding.is_cut() else ""
                self.stdout.write(f"{finding.name}: {finding.meaning} {len(finding.rows)}{more} rows:")
                for row in finding.rows:
                    self.stdout.write("  " + " ".join(str(value) for value in row if value is not None))
        if done.holdings and not options["json"]:
            self.stdout.write("Where the money is:")
            for each in done.holdings:
                self.stdout.write(f"  {plain_text(each.amount, each.decimals)} {each.symbol} {each.place}")
        if findings:
            sys.exit(1)

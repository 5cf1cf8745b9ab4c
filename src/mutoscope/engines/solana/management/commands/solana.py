"""`solana audit | recheck | expire | sweep | reclaim | rotate-keys | doctor`: what an operator does by hand."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.core.checks import run_checks
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from mutoscope.engines.solana.management.sentences import in_a_sentence
from mutoscope.engines.solana.payments.collecting import request_reclaims, request_sweeps
from mutoscope.engines.solana.payments.domain.deltas import Unreadable
from mutoscope.engines.solana.payments.ending import expire_due
from mutoscope.engines.solana.payments.swapped import payment_model
from mutoscope.engines.solana.payments.tokens import check_tokens
from mutoscope.engines.solana.rpc.client import default_rpc
from mutoscope.engines.solana.rpc.errors import RpcError
from mutoscope.engines.solana.signer.findings import Condition, condition, findings_in, is_wanted
from mutoscope.engines.solana.watcher.findings import watcher_findings
from mutoscope.engines.solana.watcher.models import StraySearch, WatchedAccount
from mutoscope.engines.solana.watcher.watcher import Watcher


class Command(BaseCommand):
    help = "Payments on Solana: audit, recheck, expire, sweep, reclaim, rotate-keys, doctor."

    def add_arguments(self, parser: CommandParser) -> None:
        actions = parser.add_subparsers(dest="action", required=True)
        actions.add_parser("audit", help="hold every token and every balance against the chain")
        recheck = actions.add_parser("recheck", help="look at payments now, due or not")
        recheck.add_argument("payments", nargs="*", metavar="PUBLIC_ID", help="these; all open ones if none is given")
        actions.add_parser("expire", help="call those expired of whose accounts everything is known")
        for name, text in (
            ("sweep", "ask the signer to move what one-time wallets hold to where its configuration says"),
            ("reclaim", "ask the signer to close emptied token accounts of one-time wallets, for their rent"),
        ):
            action = actions.add_parser(name, help=text)
            action.add_argument(
                "payments", nargs="*", metavar="PUBLIC_ID", help="these; all ended ones if none is given"
            )
        rotate = actions.add_parser(
            "rotate-keys", help="as `signer rotate-...`: both levels of keys, with --seed the seed too"
        )
        rotate.add_argument("--config", type=Path, help="the signer's configuration, a TOML file")
        rotate.add_argument("--seed", action="store_true", help="also begin a new epoch of wallets")
        actions.add_parser(
            "doctor",
            help="is it configured, do the nodes answer, are the tokens what they were, do watcher and signer run?",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        with in_a_sentence():
            getattr(self, f"_{options['action'].replace('-', '_')}")(options)

    def _audit(self, _: Any) -> None:
        with Watcher() as watcher:
            differences = watcher.audit()
        for each in differences:
            self.stdout.write(f"{each.address}: {each.on_chain} on chain, {each.recorded} recorded")
        if differences:
            raise CommandError(f"{len(differences)} balances are not explained by any transaction")
        self.stdout.write("every balance is explained")

    def _recheck(self, options: Any) -> None:
        wanted = payment_model().objects.all()
        if options["payments"]:
            wanted = wanted.filter(public_id__in=options["payments"])
            if missing := set(options["payments"]) - set(wanted.values_list("public_id", flat=True)):
                raise CommandError(f"no such payment: {', '.join(sorted(missing))}")
            owners = list(wanted.values_list("recipient", flat=True))
            WatchedAccount.objects.filter(owner__in=owners).update(next_look_at=timezone.now())
            StraySearch.objects.filter(payment__in=wanted).update(due_at=timezone.now())
        else:
            WatchedAccount.objects.filter(next_look_at__isnull=False).update(next_look_at=timezone.now())
        with Watcher() as watcher:
            look = watcher.look()
        self.stdout.write(f"{look.accounts} accounts looked at")
        for payment in wanted[:100] if options["payments"] else ():
            self.stdout.write(f"{payment.public_id}: {payment.status}, {payment.money}")

    def _expire(self, _: Any) -> None:
        self.stdout.write(f"{expire_due()} expired")

    def _sweep(self, options: Any) -> None:
        jobs = request_sweeps(self._named(options))
        self.stdout.write(f"{jobs} sweeps asked for; the signer makes them")

    def _reclaim(self, options: Any) -> None:
        jobs = request_reclaims(self._named(options))
        self.stdout.write(f"{jobs} reclaims asked for; the signer makes them, and voids those with money inside")

    def _named(self, options: Any) -> list[str]:
        named = list(dict.fromkeys(options["payments"]))
        known = payment_model().objects.filter(public_id__in=named).values_list("public_id", flat=True)
        if missing := set(named) - set(known):
            raise CommandError(f"no such payment: {', '.join(sorted(missing))}")
        return named

    def _rotate_keys(self, options: Any) -> None:
        configured = {"config": options["config"]} if options["config"] else {}
        for action in ("rotate-kek", "rotate-data-keys", *(["rotate-seed"] if options["seed"] else [])):
            call_command("signer", action, stdout=self.stdout, **configured)

    def _doctor(self, _: Any) -> None:
        problems = [
            f"{message.id}: {message.msg} {message.hint or ''}" for message in run_checks(tags=["mutoscope_solana"])
        ]
        rpc = default_rpc()
        for node in rpc.nodes:
            others = [other for other in rpc.nodes if other is not node]
            try:
                slot = rpc.ask("getSlot", {"commitment": "finalized"}, once=True, but=others).value
                self.stdout.write(f"{node.name}: final up to slot {slot}")
            except RpcError as error:
                problems.append(str(error))
        try:
            problems += [f"{symbol}: {'; '.join(wrong)}" for symbol, wrong in check_tokens(rpc).items()]
        except (RpcError, Unreadable) as error:
            problems.append(str(error))
        found = watcher_findings()
        signer = condition()
        if is_wanted(signer):
            self.stdout.write(_how_the_signer_is(signer))
            found += findings_in(signer)
        problems += [f"{finding.name}: {finding.text}" for finding in found]
        for problem in problems:
            self.stdout.write(self.style.ERROR(problem))
        if problems:
            raise CommandError("1 problem" if len(problems) == 1 else f"{len(problems)} problems")
        self.stdout.write("all is well")


def _how_the_signer_is(now: Condition) -> str:
    heard = "never heard of" if now.silent_s is None else f"heard of {now.silent_s:.0f} s ago"
    waiting = now.waiting()
    if not waiting:
        return f"signer: {heard}, no job waits"
    return f"signer: {heard}, {waiting} {'job waits' if waiting == 1 else 'jobs wait'}, the oldest for {now.oldest_s:.0f} s"

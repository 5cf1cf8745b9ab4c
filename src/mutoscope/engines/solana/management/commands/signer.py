"""`manage.py signer [run|init|new-key|status|rotate-kek|rotate-data-keys|rotate-seed|backup|restore-drill|restore|grant]`."""

from __future__ import annotations

import argparse
import json
import os
import signal
import threading
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import DEFAULT_DB_ALIAS

from mutoscope.engines.solana.keys import CannotOpen, KeySourceRefused, key_source, write_new_key
from mutoscope.engines.solana.management.sentences import in_a_sentence
from mutoscope.engines.solana.signer import backup
from mutoscope.engines.solana.signer.configuration import Configuration, ConfigurationRefused, read_configuration
from mutoscope.engines.solana.signer.findings import condition, findings
from mutoscope.engines.solana.signer.hardening import harden
from mutoscope.engines.solana.signer.journal import Journal, JournalRefused, refuse_as_root
from mutoscope.engines.solana.signer.nodes import open_nodes
from mutoscope.engines.solana.signer.process import Signer, WrongCluster
from mutoscope.engines.solana.signer.roles import grant
from mutoscope.engines.solana.signer.seeds import Seeds, SeedsRefused
from mutoscope.engines.solana.signer.vault import KeyRing, VaultRefused

REFUSALS = (
    ConfigurationRefused,
    KeySourceRefused,
    CannotOpen,
    SeedsRefused,
    VaultRefused,
    WrongCluster,
    JournalRefused,
    FileExistsError,
)


class Command(BaseCommand):
    help = "The signer: the one process that holds the seeds. Without an action it runs until told to stop."
    # Those are about the site, whose settings and secrets are none of the signer's business.
    requires_system_checks = ()
    # How it was called, for what is to be typed next.
    called = "signer"

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> CommandParser:
        self.called = f"{Path(prog_name).name} {subcommand}".strip()
        return super().create_parser(prog_name, subcommand, **kwargs)

    def add_arguments(self, parser: CommandParser) -> None:
        default = getattr(settings, "SOLANA_SIGNER_CONFIGURATION", None)
        _add_common(parser, database=DEFAULT_DB_ALIAS, config=default)
        actions = parser.add_subparsers(dest="action")
        actions.add_parser("run", help="sweep, refund and pay until told to stop (also without an action)")
        actions.add_parser("init", help="make the first seeds")
        new_key = actions.add_parser("new-key", help="make a key-encryption or recovery key in a new file")
        new_key.add_argument("file", type=Path)
        status = actions.add_parser("status", help="addresses, pool, queue, findings")
        status.add_argument("--json", action="store_true", help="answer in JSON")
        actions.add_parser("rotate-kek", help="wrap every data key by the first key of the configuration")
        actions.add_parser("rotate-data-keys", help="seal every seed anew under a new data key")
        actions.add_parser("rotate-seed", help="begin a new epoch: new wallets come from a new seed")
        for name, text in (
            ("backup", "write the seeds into FILE, wrapped by a recovery key"),
            ("restore-drill", "derive every wallet from FILE and compare; changes nothing"),
            ("restore", "put the seeds of FILE back where the database lacks them"),
        ):
            action = actions.add_parser(name, help=text)
            action.add_argument("file", type=Path)
            action.add_argument("--key", help="recovery key such as file:/media/safe/recovery.key")
        roles = actions.add_parser("grant", help="give two database roles what they need, and no more")
        roles.add_argument("--web", required=True, help="the role of web and workers")
        roles.add_argument("--signer", required=True, help="the role of the signer")
        roles.add_argument(
            "--with-other-tables", action="store_true", help="give the role of web the rows of all other tables besides"
        )
        for each in actions.choices.values():
            # Before the action or after it. Without SUPPRESS its default would undo what was said before.
            _add_common(each, database=argparse.SUPPRESS, config=argparse.SUPPRESS)

    def handle(self, *_: Any, **options: Any) -> None:
        # Before anything could read a key.
        harden()
        self.using: str = options["database"]
        action = (options["action"] or "run").replace("-", "_")
        try:
            with in_a_sentence():
                getattr(self, action)(options)
        except REFUSALS as error:
            raise CommandError(str(error)) from None

    def run(self, options: dict[str, Any]) -> None:
        configuration = self._configuration(options)
        stopped = threading.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: stopped.set())
        with open_nodes(configuration.rpc) as nodes:
            signer = Signer(configuration, nodes, self.using)
            try:
                signer.run(stopped)
            finally:
                signer.close()

    def init(self, options: dict[str, Any]) -> None:
        seeds = self._seeds(options)
        seeds.initialize()
        operator = seeds.operator()
        self.stdout.write(f"Made the first seeds.\nFee account, to be sent some SOL: {operator.fee.address}")
        self.stdout.write(f"Payout account, to hold what payouts are made from: {operator.payout.address}")
        self.stdout.write(f"Next: {self.called} backup FILE --key file:RECOVERY, and keep both away from this machine.")

    def new_key(self, options: dict[str, Any]) -> None:
        key = write_new_key(options["file"])
        self.stdout.write(f"Made the key {key.key_id()} in {options['file']}.")

    def status(self, options: dict[str, Any]) -> None:
        now, wrong = condition(using=self.using), findings(using=self.using)
        if options["json"]:
            jobs = [{"kind": kind, "state": state, "jobs": number} for (kind, state), number in now.jobs.items()]
            answer = {
                "fee_address": now.fee_address,
                "fee_lamports": now.fee_lamports,
                "payout_address": now.payout_address,
                "wallets_free": now.pool_free,
                "heard_of_s": now.silent_s,
                "jobs": jobs,
                "findings": [{"name": each.name, "text": each.text} for each in wrong],
            }
            self.stdout.write(json.dumps(answer))
            return
        self.stdout.write(f"fee account     {now.fee_address or 'unknown'}  {now.fee_lamports} lamports")
        self.stdout.write(f"payout account  {now.payout_address or 'unknown'}")
        self.stdout.write(f"wallets free    {now.pool_free}")
        for (kind, state), number in now.jobs.items():
            self.stdout.write(f"{kind:<15} {state:<10} {number}")
        for each in wrong:
            self.stdout.write(f"{each.name}: {each.text}")

    def rotate_kek(self, options: dict[str, Any]) -> None:
        changed = self._seeds(options).rotate_kek()
        self.stdout.write(f"{changed} seeds are now under the first key of the configuration; the others may leave it.")

    def rotate_data_keys(self, options: dict[str, Any]) -> None:
        self.stdout.write(f"{self._seeds(options).rotate_data_keys()} seeds were sealed anew.")

    def rotate_seed(self, options: dict[str, Any]) -> None:
        epoch = self._seeds(options).rotate_seed()
        self.stdout.write(
            f"Epoch {epoch} began. Earlier seeds stay, for what their wallets still get. Make a new backup now."
        )

    def backup(self, options: dict[str, Any]) -> None:
        seeds = self._seeds(options)
        recovery = key_source(options["key"]) if options["key"] else seeds.ring.first()
        number = backup.write_backup(options["file"], seeds, recovery)
        self.stdout.write(
            f"{number} seeds are in {options['file']}, under the key {recovery.key_id()}. Without it the file is useless."
        )

    def restore_drill(self, options: dict[str, Any]) -> None:
        results = backup.drill(options["file"], self._recovery(options), using=self.using)
        for each in results:
            word = "ok     " if each.different == 0 else "BROKEN "
            self.stdout.write(
                f"{word}{each.purpose} epoch {each.epoch}: {each.checked} addresses, {each.different} different"
            )
        if any(each.different for each in results):
            raise CommandError("This backup does not restore every key. Make a new one, and find out why.")

    def restore(self, options: dict[str, Any]) -> None:
        seeds = self._seeds(options)
        number = backup.restore(options["file"], seeds, self._recovery(options))
        self.stdout.write(
            f"{number} seeds were put back. Run restore-drill, then rotate-seed if wallets were claimed since the backup."
        )

    def grant(self, options: dict[str, Any]) -> None:
        grant(options["web"], options["signer"], using=self.using, with_other_tables=options["with_other_tables"])
        self.stdout.write(f"{options['web']} may ask and read, {options['signer']} may sign.")

    def _configuration(self, options: dict[str, Any]) -> Configuration:
        if options["config"] is None:
            raise CommandError(
                "Where is the signer's configuration? --config FILE, or SOLANA_SIGNER_CONFIGURATION in the settings."
            )
        return read_configuration(Path(os.path.abspath(options["config"])))

    def _seeds(self, options: dict[str, Any]) -> Seeds:
        configuration = self._configuration(options)
        refuse_as_root(configuration.state)
        ring = KeyRing(configuration.key_encryption_keys)
        # Without it nothing can be done, and nothing is left behind: the journal's file is made when it is opened.
        ring.first().key_id()
        return Seeds(ring, Journal(configuration.state), self.using)

    def _recovery(self, options: dict[str, Any]) -> KeyRing:
        keys = self._configuration(options).key_encryption_keys
        return KeyRing((options["key"],) if options["key"] else keys)


def _add_common(parser: argparse.ArgumentParser, *, database: Any, config: Any) -> None:
    parser.add_argument("--database", default=database, help="connection to use")
    parser.add_argument("--config", type=Path, default=config, help="the signer's configuration, a TOML file")

"""`worker`: run tasks until told to stop."""

from __future__ import annotations

import os
import sys
from typing import Any

from django.core.exceptions import ImproperlyConfigured
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import connections

from mutoscope.engines.tasks.compat import InvalidTaskError
from mutoscope.engines.tasks.queue.backend import backend_of
from mutoscope.engines.tasks.queue.worker.worker import COROUTINES, THREADS, Size, Worker, run_until_signalled


class Command(BaseCommand):
    help = "Run tasks from the queue until SIGTERM or Ctrl-C."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--queues", help="Queues to work on, separated by commas. Default: all that TASKS names.")
        parser.add_argument("--threads", type=int, default=THREADS, help=f"Sync tasks at once. Default: {THREADS}.")
        parser.add_argument("--coroutines", type=int, default=COROUTINES, help=f"Async tasks at once ({COROUTINES}).")
        parser.add_argument(
            "--processes", type=int, default=0, help="Tasks in child processes at once. Default: one per core."
        )
        parser.add_argument(
            "--until-empty", action="store_true", help="Work off what is ready and due, and end. For cron and tests."
        )
        parser.add_argument("--backend", default="default", help="Name in TASKS. Default: default.")

    def handle(self, *_: Any, **options: Any) -> None:
        queues = [name.strip() for name in (options["queues"] or "").split(",") if name.strip()] or None
        try:
            size = Size(threads=options["threads"], coroutines=options["coroutines"], processes=options["processes"])
            backend = backend_of(options["backend"])
            worker = Worker(backend, queues, size, until_empty=options["until_empty"])
        except (InvalidTaskError, ImproperlyConfigured, ValueError) as error:
            raise CommandError(str(error)) from error
        if options["verbosity"] > 0:
            self._introduce(worker)
        code = run_until_signalled(worker)
        sys.stdout.flush()
        sys.stderr.flush()
        # A thread that is stuck in a C call would keep the process from ending.
        os._exit(code)

    def _introduce(self, worker: Worker) -> None:
        size, alias = worker.size, worker.configuration.direct
        self.stdout.write(
            f"Works on {', '.join(worker.queues)}. Threads: {size.threads}, coroutines: {size.coroutines}, processes: "
            f"{size.children()}. Database: {alias} ({connections.settings[alias]['NAME']})."
        )
        self.stdout.flush()

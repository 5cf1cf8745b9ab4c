"""`deliver_mail`: send what waits, once. The worker does the same by itself."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand

from mutoscope.platform.support.public import deliver_waiting


class Command(BaseCommand):
    help = "Send the mail that waits, once. The worker does the same by itself."

    def handle(self, *args: Any, **options: Any) -> None:
        sent = deliver_waiting()
        self.stdout.write(f"{sent} sent")

"""What the roles may do with the engines' tables: the engines know no roles, and accounts knows no engines."""

from __future__ import annotations

from mutoscope.platform.accounts.public import OPERATOR, SUPPORT, add_rights

LEDGER = ("ledger.view_account", "ledger.view_transfer", "ledger.view_seal")
PAYMENTS = (
    "mutoscope_solana.view_payment",
    "mutoscope_solana.view_transfer",
    "mutoscope_solana.view_unmatchedreceipt",
    "mutoscope_solana.view_wallet",
    "mutoscope_solana.view_token",
)
# How the machinery stands, and what an operator does about it: retry, cancel, pause, resume.
MACHINERY = (
    *(
        f"tasks.{may}_{table}"
        for table in ("livetask", "finishedtask", "queuesettings", "run")
        for may in ("view", "change")
    ),
    *("tasks.view_workerrecord", "tasks.view_schedulerecord"),
    *("mutoscope_solana.view_signerjob", "mutoscope_solana.view_event"),
    *("mutoscope_solana.view_webhookendpoint", "mutoscope_solana.view_webhookdelivery"),
    "mutoscope_solana.change_webhookdelivery",
)
# Decisions about money that has come in: late, too much, for nobody. Which tokens count as money, and where events are sent,
# stays with superusers.
DECISIONS = ("mutoscope_solana.change_payment", "mutoscope_solana.change_unmatchedreceipt")


def give_rights() -> None:
    """Called when the apps are ready; written to the database after each migration."""
    add_rights(OPERATOR, *LEDGER, *PAYMENTS, *MACHINERY, *DECISIONS)
    add_rights(SUPPORT, *LEDGER, *PAYMENTS)

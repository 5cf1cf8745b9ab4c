"""What the operator's lists say while they are empty: one sentence, and where to go from there."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Nothing:
    """Why a list is empty. `view` is the admin's page that `action` leads to; without one, a row can be added or the list says more."""

    sentence: str
    action: str = ""
    view: str = ""


_FILMS = ("Films", "videos_video_changelist")
_PURCHASES = ("Purchases", "billing_purchase_changelist")
_CHANNELS = ("Channels", "accounts_channel_changelist")
_PAYMENTS = ("Payments", "mutoscope_solana_payment_changelist")
_FINISHED = ("Finished tasks", "tasks_finishedtask_changelist")
_WORKERS = ("Workers", "tasks_workerrecord_changelist")

NOTHING = {
    "account.EmailAddress": Nothing("Nobody has given an address yet.", "People", "accounts_person_changelist"),
    "accounts.Channel": Nothing("Nobody has opened a channel yet.", "People", "accounts_person_changelist"),
    "accounts.Person": Nothing("There is nobody here."),
    "auth.Group": Nothing("The roles are made by the site itself, when it is upgraded."),
    "billing.Bundle": Nothing("No creator has put films together yet.", *_FILMS),
    "billing.BundlePurchase": Nothing("Nobody has bought a bundle yet.", "Bundles", "billing_bundle_changelist"),
    "billing.Coupon": Nothing("No creator has made a code yet.", *_CHANNELS),
    "billing.Entitlement": Nothing("Nobody has unlocked a film yet.", *_FILMS),
    "billing.Grant": Nothing("The house has given nobody points yet.", "People", "accounts_person_changelist"),
    "billing.MonthlyStatement": Nothing(
        "When a month is over, a statement is issued for each channel that earned in it.", *_CHANNELS
    ),
    "billing.Offer": Nothing("No film has had a price yet.", *_FILMS),
    "billing.Pack": Nothing("There are no packs, so nobody can buy points."),
    "billing.Payout": Nothing("No creator has asked to be paid yet.", *_CHANNELS),
    "billing.PayoutAddress": Nothing("No creator has named an address to be paid at yet.", *_CHANNELS),
    "billing.Purchase": Nothing("Nobody has bought a film yet.", *_FILMS),
    "billing.Reconciliation": Nothing("No comparison was made yet."),
    "billing.Refund": Nothing("No purchase was refunded yet. To refund one, open it.", *_PURCHASES),
    "billing.Tip": Nothing("Nobody has tipped a creator yet.", *_FILMS),
    "billing.TopUp": Nothing("Nobody has bought points yet.", "Packs", "billing_pack_changelist"),
    "billing.TopUpRefund": Nothing("Nobody has asked for money back that bought no points.", *_PAYMENTS),
    "ledger.Account": Nothing(
        "Accounts are opened with the first points that move.", "Packs", "billing_pack_changelist"
    ),
    "ledger.Seal": Nothing("Each night the day's transfers are sealed.", "Transfers", "ledger_transfer_changelist"),
    "ledger.Transfer": Nothing("No points have moved yet.", "Packs", "billing_pack_changelist"),
    "mutoscope_solana.Event": Nothing("Nothing has happened to a payment yet.", *_PAYMENTS),
    "mutoscope_solana.Payment": Nothing("Nobody was asked to pay yet.", "Packs", "billing_pack_changelist"),
    "mutoscope_solana.SignerJob": Nothing("The signer was asked for nothing yet.", *_PAYMENTS),
    "mutoscope_solana.Token": Nothing("No token is accepted, so nobody can pay.", *_PAYMENTS),
    "mutoscope_solana.Transfer": Nothing("No money has come in or gone out on chain yet.", *_PAYMENTS),
    "mutoscope_solana.UnmatchedReceipt": Nothing("All money that came in belongs to a payment.", *_PAYMENTS),
    "mutoscope_solana.Wallet": Nothing("The signer makes one-time wallets when it starts.", *_PAYMENTS),
    "mutoscope_solana.WebhookDelivery": Nothing(
        "No event was sent to an endpoint yet.", "Endpoints", "mutoscope_solana_webhookendpoint_changelist"
    ),
    "mutoscope_solana.WebhookEndpoint": Nothing("Nobody is told of payments by a webhook."),
    "support.Mail": Nothing("The site has sent no mail yet.", "People", "accounts_person_changelist"),
    "tasks.FinishedTask": Nothing("No task has ended yet.", "Live tasks", "tasks_livetask_changelist"),
    "tasks.LiveTask": Nothing("Nothing waits and nothing runs.", *_FINISHED),
    "tasks.QueueSettings": Nothing("Queues are listed once a worker has started.", *_WORKERS),
    "tasks.Run": Nothing("No film was made yet.", *_FILMS),
    "tasks.ScheduleRecord": Nothing("Schedules are listed once a worker has started.", *_WORKERS),
    "tasks.WorkerRecord": Nothing("No worker has run in the last two days. On a terminal: mutoscope worker."),
    "usersessions.UserSession": Nothing("Nobody is signed in.", "People", "accounts_person_changelist"),
    "videos.Video": Nothing("Nobody has uploaded a film yet.", *_CHANNELS),
}

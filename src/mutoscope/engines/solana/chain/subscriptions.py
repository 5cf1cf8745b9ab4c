"""What one websocket asked to be told, and what it is told."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from solders.pubkey import Pubkey
from solders.signature import Signature

from mutoscope.engines.solana.chain.accounts_json import ENCODINGS, account_json
from mutoscope.engines.solana.chain.bank import Bank, Commitment, Slot
from mutoscope.engines.solana.chain.errors import INVALID_PARAMS, RpcError, invalid_param
from mutoscope.engines.solana.chain.methods.accounts import filters_of
from mutoscope.engines.solana.chain.methods.cluster import in_context
from mutoscope.engines.solana.chain.params import Params, as_address
from mutoscope.engines.solana.chain.store import Record

if TYPE_CHECKING:
    from mutoscope.engines.solana.chain.node import Node

SUBSCRIPTIONS_MAX = 500
KINDS = ("account", "program", "signature", "logs", "slot", "root")


@dataclass(frozen=True, slots=True)
class Subscription:
    """`subject` is an account's or a program's address, a signature, or the address that logs have to mention; None for all.
    `filters` are what a program's account has to satisfy."""

    kind: str
    commitment: Commitment
    subject: Pubkey | Signature | None = None
    encoding: str = "binary"
    filters: tuple[Callable[[bytes], bool], ...] = ()


class Subscriptions:
    """Of one connection. Each method returns the notifications to send, as objects. The bank's lock is held."""

    def __init__(self, node: Node) -> None:
        self._node = node
        self._last = 0
        self._all: dict[int, Subscription] = {}

    @property
    def _bank(self) -> Bank:
        return self._node.bank

    def subscribe(self, kind: str, values: list[Any]) -> tuple[int, list[dict[str, Any]]]:
        """The new subscription's number, and what there is to tell at once. Raises RpcError."""
        if len(self._all) >= SUBSCRIPTIONS_MAX:
            raise RpcError(INVALID_PARAMS, f"Too many subscriptions: at most {SUBSCRIPTIONS_MAX} on one websocket")
        subscription = _read(kind, values)
        self._last += 1
        number = self._last
        self._all[number] = subscription
        told = []
        if kind == "signature":
            assert isinstance(subscription.subject, Signature)
            status = self._bank.store.status(subscription.subject)
            if status is not None and status[0] <= self._bank.slot(subscription.commitment).number:
                told = self._ended(number, *status)
        return number, told

    def unsubscribe(self, kind: str, values: list[Any]) -> bool:
        """Raises RpcError where there is no such subscription."""
        number = values[0] if values else None
        if isinstance(number, bool) or not isinstance(number, int) or number not in self._all:
            raise RpcError(INVALID_PARAMS, "Invalid subscription id.")
        if self._all[number].kind != kind:
            raise RpcError(INVALID_PARAMS, "Invalid subscription id.")
        del self._all[number]
        return True

    def ran(self, record: Record, mentioned: set[Pubkey], slot: int, commitment: Commitment) -> list[dict[str, Any]]:
        """A transaction is as sure as that."""
        told = []
        for number, subscription in list(self._all.items()):
            if subscription.commitment is not commitment:
                continue
            if subscription.kind == "signature" and subscription.subject == record.signature:
                told += self._ended(number, slot, record.error)
            elif subscription.kind == "logs" and (subscription.subject is None or subscription.subject in mentioned):
                value = {
                    "signature": str(record.signature),
                    "err": record.error,
                    "logs": record.meta["logMessages"],
                }
                told.append(notification("logs", number, in_context(slot, value)))
        return told

    def changed(self, addresses: set[Pubkey], slot: int, commitment: Commitment) -> list[dict[str, Any]]:
        """These accounts changed in that slot, which is now as sure as that."""
        told = []

        def read(key: Pubkey) -> Any:
            return self._bank.account_at(key, slot)

        for number, subscription in self._all.items():
            subject = subscription.subject
            if subscription.commitment is not commitment or not isinstance(subject, Pubkey):
                continue
            if subscription.kind == "account" and subject in addresses:
                shown = account_json(read(subject), subscription.encoding, None, read) or NO_ACCOUNT
                told.append(notification("account", number, in_context(slot, shown)))
            elif subscription.kind == "program":
                for address in sorted(addresses, key=bytes):
                    account = read(address)
                    if account is None or account.owner != subject:
                        continue
                    if all(fits(bytes(account.data)) for fits in subscription.filters):
                        value = {
                            "pubkey": str(address),
                            "account": account_json(account, subscription.encoding, None, read),
                        }
                        told.append(notification("program", number, in_context(slot, value)))
        return told

    def began(self, slot: Slot, parent: int, root: int, is_new_root: bool) -> list[dict[str, Any]]:
        """A new slot."""
        told = []
        for number, subscription in self._all.items():
            if subscription.kind == "slot":
                told.append(notification("slot", number, {"slot": slot.number, "parent": parent, "root": root}))
            elif subscription.kind == "root" and is_new_root:
                told.append(notification("root", number, root))
        return told

    def _ended(self, number: int, slot: int, error: Any) -> list[dict[str, Any]]:
        """A signature is told once, and the subscription is over."""
        del self._all[number]
        return [notification("signature", number, in_context(slot, {"err": error}))]


NO_ACCOUNT = {
    "lamports": 0,
    "owner": "11111111111111111111111111111111",
    "data": ["", "base64"],
    "executable": False,
    "rentEpoch": 0,
    "space": 0,
}


def notification(kind: str, number: int, result: Any) -> dict[str, Any]:
    return {"jsonrpc": "2.0", "method": f"{kind}Notification", "params": {"result": result, "subscription": number}}


def _read(kind: str, values: list[Any]) -> Subscription:
    params = Params(values, options_at=1)
    commitment = params.commitment()
    match kind:
        case "account":
            return Subscription(
                kind, commitment, params.address(0, "pubkey"), params.choice("encoding", ENCODINGS, "binary")
            )
        case "program":
            encoding, filters = params.choice("encoding", ENCODINGS, "binary"), tuple(filters_of(params))
            return Subscription(kind, commitment, params.address(0, "pubkey"), encoding, filters)
        case "signature":
            params.flag("enableReceivedNotification")
            return Subscription(kind, commitment, params.signature(0, "signature"))
        case "logs":
            return Subscription(kind, commitment, _logs_of(params.value(0, "filter")))
    return Subscription(kind, commitment)


def _logs_of(given: Any) -> Pubkey | None:
    if given in ("all", "allWithVotes"):
        return None
    mentions = given.get("mentions") if isinstance(given, dict) else None
    if not isinstance(mentions, list) or len(mentions) != 1:
        raise invalid_param("filter", "must be all, allWithVotes, or mentions with one address")
    return as_address(mentions[0], "filter.mentions[0]")

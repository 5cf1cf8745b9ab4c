"""Websockets: JSON-RPC both ways, subscriptions, and notifications in the order in which things happened."""

from __future__ import annotations

import asyncio
import json
import threading
from typing import TYPE_CHECKING, Any

from solders.pubkey import Pubkey

from mutoscope.engines.solana.chain import dispatch
from mutoscope.engines.solana.chain.asgi import Receive, Send
from mutoscope.engines.solana.chain.bank import Commitment, Slot, Watcher
from mutoscope.engines.solana.chain.errors import RpcError
from mutoscope.engines.solana.chain.faults import Fault
from mutoscope.engines.solana.chain.node import Node
from mutoscope.engines.solana.chain.store import Record
from mutoscope.engines.solana.chain.subscriptions import KINDS, Subscriptions

if TYPE_CHECKING:
    from mutoscope.engines.solana.chain.sandbox import SandboxChain

SOCKETS_MAX = 200
MESSAGE_BYTES_MAX = 50 * 1024
# A reader who falls that far behind is cut off.
WAITING_MAX = 10_000
ABNORMAL, TRY_AGAIN_LATER = 1011, 1013


class Socket:
    """One connection."""

    def __init__(self, node: Node, loop: asyncio.AbstractEventLoop) -> None:
        self.node = node
        self.subscriptions = Subscriptions(node)
        self._loop = loop
        self._waiting: asyncio.Queue[str | None] = asyncio.Queue()

    def tell(self, messages: list[dict[str, Any]]) -> None:
        """Queue messages, from any thread."""
        if messages:
            texts = [json.dumps(message, separators=(",", ":")) for message in messages]
            self._from_anywhere(texts)

    def end(self) -> None:
        """Close it, from any thread."""
        self._from_anywhere([None])

    def _from_anywhere(self, items: list[Any]) -> None:
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._put, items)

    def _put(self, items: list[Any]) -> None:
        if self._waiting.qsize() > WAITING_MAX:
            items = [None]
        for item in items:
            self._waiting.put_nowait(item)

    async def deliver(self, send: Send) -> None:
        """Send what is queued, until told to end."""
        while (text := await self._waiting.get()) is not None:
            await send({"type": "websocket.send", "text": text})

    def take(self, text: str) -> None:
        """One message from the other side."""
        request = dispatch.parsed(text)
        if isinstance(request, dict) and _subscription_method(request.get("method")) is not None:
            with self.node.bank.lock:
                self._subscribe_or_not(request)
            return
        answer = dispatch.answer(self.node, text)
        if answer.text is not None and answer.status != 503:
            self._from_anywhere([answer.text])

    def _subscribe_or_not(self, request: dict[str, Any]) -> None:
        kind, wants = _subscription_method(request["method"]) or ("", False)
        number = request.get("id")
        values = request.get("params") or []
        told: list[dict[str, Any]] = []
        try:
            if not isinstance(values, list):
                raise RpcError(-32602, "Invalid params: `params` must be an array")
            result: Any
            if wants:
                result, told = self.subscriptions.subscribe(kind, values)
            else:
                result = self.subscriptions.unsubscribe(kind, values)
            answer = dispatch.success(number, result)
        except RpcError as error:
            answer = dispatch.failure(number, error)
        self.tell([answer, *told])


class Sockets(Watcher):
    """Every connection, and what each of them has to be told of."""

    def __init__(self, chain: SandboxChain) -> None:
        self._chain = chain
        self._lock = threading.Lock()
        self._open: set[Socket] = set()
        self._confirmed = chain.bank.slot(Commitment.CONFIRMED).number
        self._final = chain.bank.slot(Commitment.FINALIZED).number
        self._parent = chain.bank.head().number

    async def serve(self, node: Node, receive: Receive, send: Send) -> None:
        """One connection from its first moment to its last."""
        await receive()
        with self._lock:
            is_full = len(self._open) >= SOCKETS_MAX
        if is_full or node.faults.take(Fault.BROKEN, "websocket") is not None:
            await send({"type": "websocket.close", "code": TRY_AGAIN_LATER})
            return
        await send({"type": "websocket.accept"})
        socket = Socket(node, asyncio.get_running_loop())
        with self._lock:
            self._open.add(socket)
        delivering = asyncio.create_task(socket.deliver(send))
        listening = asyncio.create_task(_listen(socket, receive))
        try:
            await asyncio.wait({delivering, listening}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            with self._lock:
                self._open.discard(socket)
            is_ended = delivering.done()
            for task in (delivering, listening):
                task.cancel()
            # granian closes only once nobody waits for a message any more.
            await asyncio.wait({delivering, listening}, timeout=1)
            if is_ended:
                await send({"type": "websocket.close", "code": ABNORMAL})

    def drop(self, node: Node | None = None) -> int:
        """Close every connection, or those of one node. Returns how many."""
        with self._lock:
            ended = [socket for socket in self._open if node is None or socket.node is node]
        for socket in ended:
            socket.end()
        return len(ended)

    def count(self) -> int:
        return len(self._open)

    # What happens on the chain

    def ran(self, record: Record, mentioned: list[Pubkey], changed: list[Pubkey]) -> None:
        for socket in self._listening():
            told = socket.subscriptions.ran(record, set(mentioned), record.slot, Commitment.PROCESSED)
            told += socket.subscriptions.changed(set(changed), record.slot, Commitment.PROCESSED)
            socket.tell(told)

    def began(self, slot: Slot) -> None:
        bank = self._chain.bank
        confirmed, final = bank.slot(Commitment.CONFIRMED).number, bank.slot(Commitment.FINALIZED).number
        is_new_root = final > self._final
        sockets = self._listening()
        if sockets:
            self._surer(sockets, range(self._confirmed + 1, confirmed + 1), Commitment.CONFIRMED)
            self._surer(sockets, range(self._final + 1, final + 1), Commitment.FINALIZED)
            for socket in sockets:
                socket.tell(socket.subscriptions.began(slot, self._parent, final, is_new_root))
        self._confirmed, self._final, self._parent = max(confirmed, self._confirmed), final, slot.number

    def restored(self, addresses: list[Pubkey]) -> None:
        head = self._chain.bank.head().number
        for socket in self._listening():
            told = socket.subscriptions.changed(set(addresses), head, Commitment.PROCESSED)
            told += socket.subscriptions.changed(set(addresses), head, Commitment.CONFIRMED)
            socket.tell(told)

    def _surer(self, sockets: list[Socket], slots: range, commitment: Commitment) -> None:
        store = self._chain.bank.store
        for slot in slots:
            records = store.transactions_in(slot)
            changed = set(store.changed_in(slot)) if records else set()
            for record in records:
                mentioned = store.mentioned_in(record.number)
                for socket in sockets:
                    socket.tell(socket.subscriptions.ran(record, mentioned, slot, commitment))
            if changed:
                for socket in sockets:
                    socket.tell(socket.subscriptions.changed(changed, slot, commitment))

    def _listening(self) -> list[Socket]:
        with self._lock:
            sockets = list(self._open)
        return [socket for socket in sockets if socket.node.faults.take(Fault.MUTE, "notification") is None]


async def _listen(socket: Socket, receive: Receive) -> None:
    while True:
        message = await receive()
        if message["type"] == "websocket.disconnect":
            return
        text = message.get("text") or (message.get("bytes") or b"").decode(errors="replace")
        if len(text) > MESSAGE_BYTES_MAX:
            return
        socket.take(text)


def _subscription_method(name: Any) -> tuple[str, bool] | None:
    """(kind, whether to subscribe), or None for any other method."""
    if isinstance(name, str):
        for kind in KINDS:
            if name == f"{kind}Subscribe":
                return kind, True
            if name == f"{kind}Unsubscribe":
                return kind, False
    return None

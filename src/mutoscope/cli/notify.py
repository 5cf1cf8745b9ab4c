"""Saying that a part is up, by the protocol of systemd's `sd_notify(3)`: `up` hears it as a service manager would."""

from __future__ import annotations

import os
import socket
from typing import Any

from django.dispatch import Signal

ADDRESS_VARIABLE = "NOTIFY_SOCKET"
READY = b"READY=1"


def say_ready() -> None:
    """Tell whoever supervises this process that it does its work from now on. Nobody listening is no error."""
    address = os.environ.get(ADDRESS_VARIABLE, "")
    if not address:
        return
    # A leading @ stands for the zero byte of Linux's abstract addresses.
    to = "\0" + address[1:] if address.startswith("@") else address
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as mouth:
        try:
            mouth.sendto(READY, to)
        except OSError:
            # The supervisor has gone; what ends us is on its way already.
            return


def say_ready_at(started: Signal) -> None:
    """Say so when `started` is sent in this process."""
    started.connect(_say_ready)


def _say_ready(**_: Any) -> None:
    say_ready()


class Ear:
    """Where one supervised process may say that it is ready."""

    def __init__(self) -> None:
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC | socket.SOCK_NONBLOCK)
        # Linux gives an unused abstract address to an empty name.
        self._socket.bind("")
        name = self._socket.getsockname()
        self.address = "@" + (name if isinstance(name, bytes) else name.encode())[1:].decode()
        self._heard = False

    def is_ready(self) -> bool:
        """Whether it was said."""
        while not self._heard and self._socket.fileno() != -1:
            try:
                said = self._socket.recv(4096)
            except BlockingIOError:
                break
            self._heard = READY in said.splitlines()
        return self._heard

    def close(self) -> None:
        """Hear no more; what was said stays said."""
        self._socket.close()

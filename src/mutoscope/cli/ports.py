"""Whether a port is free. granian shares its port between processes, so a second server would start unnoticed."""

from __future__ import annotations

import contextlib
import errno
import socket

import psutil

from mutoscope.cli.complaint import Complaint


def refuse_taken_port(host: str, port: int, setting: str, command: str) -> None:
    """Raises Complaint with who holds the port, where that can be known, and how to run the command at another."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                raise Complaint(
                    f"port {port} is taken{_holder_of(port)}. "
                    f"Stop that program, or choose another port: {setting}={port + 1} {command}"
                ) from None
            raise Complaint(
                f"cannot listen on {host}:{port}: {error.strerror}. "
                f"Set {setting} to a port above 1023, and MUTOSCOPE_HOST to an address of this machine."
            ) from None


def _holder_of(port: int) -> str:
    with contextlib.suppress(psutil.Error):
        for connection in psutil.net_connections("inet"):
            if connection.status == psutil.CONN_LISTEN and connection.laddr[1:2] == (port,) and connection.pid:
                return f" by {psutil.Process(connection.pid).name()} (process {connection.pid})"
    return ""

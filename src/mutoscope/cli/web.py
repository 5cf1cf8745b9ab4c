"""The web server: granian, with every queue in it bounded, and Django in threads behind web/gateway.py."""

from __future__ import annotations

import gc
import multiprocessing
import os
import shutil
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import django
from django.urls import get_resolver
from granian.constants import HTTPModes, Interfaces
from granian.http import HTTP1Settings
from granian.server import Server

from mutoscope.cli.notify import say_ready
from mutoscope.cli.parent import is_supervised, stop_with_parent, stop_with_supervisor
from mutoscope.cli.ports import refuse_taken_port
from mutoscope.cli.safety import refuse_unsafe_settings
from mutoscope.cli.tables import require_current_tables
from mutoscope.web.environment import home_directory, read_environment

# Connections of one process; further ones are left in the kernel's queue. One that is slow or idle costs no thread (web/gateway.py), but
# up to two open files: so they fit into the usual limit of 1024.
CONNECTIONS_MAX = 400
HEADER_BUFFER_BYTES = 64 * 1024
STOP_TIMEOUT_S = 20


def serve() -> None:
    """Serve until told to stop. Requests under way are finished first, for at most STOP_TIMEOUT_S."""
    os.environ["MUTOSCOPE_ROLE"] = "web"
    stop_with_supervisor()
    environment = read_environment()
    if not is_supervised():
        # Before anything of the server that runs there is touched; `mutoscope up` has looked already.
        refuse_taken_port(environment.host, environment.port, "MUTOSCOPE_PORT", "mutoscope web")
    # Before anything imports prometheus_client, which decides at that moment.
    _collect_metrics_of_all_processes(home_directory(environment) / "run" / "metrics")
    if not is_supervised():
        django.setup()
        refuse_unsafe_settings(environment)
        require_current_tables()
    # Once for all processes, which are forked off this one and share what it has read.
    _application()
    gc.freeze()
    Server(
        "mutoscope.web.wsgi:application",
        address=environment.host,
        port=environment.port,
        interface=Interfaces.RSGI,
        # HTTP/2 would let each connection ask for two hundred things at once. A proxy in front may speak it.
        http=HTTPModes.http1,
        websockets=False,
        workers=environment.web_workers,
        backpressure=CONNECTIONS_MAX,
        # Without it granian's runtime may start up to 512 threads of its own.
        runtime_blocking_threads=environment.web_threads,
        http1_settings=HTTP1Settings(header_read_timeout=10_000, max_buffer_size=HEADER_BUFFER_BYTES),
        respawn_failed_workers=True,
        workers_kill_timeout=STOP_TIMEOUT_S,
    ).serve(target_loader=load_application)


def load_application(_target: str) -> Any:
    """Runs first in each of granian's processes: sees to it that they do not outlive a killed parent and keep the port."""
    # A forked process has granian's own handlers until it serves, and those would swallow a signal to stop meanwhile.
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    server = multiprocessing.parent_process()
    if server is not None and server.pid is not None:
        stop_with_parent(server.pid)
    say_ready()
    # Here, because it leads to prometheus_client.
    from mutoscope.web.gateway import Gateway

    return Gateway(_application(), read_environment().web_threads)


def _application() -> Callable[..., Any]:
    """The site, with what the first request would import."""
    from mutoscope.web.wsgi import application

    get_resolver().url_patterns  # noqa: B018 - imports every endpoint
    return application


def _collect_metrics_of_all_processes(folder: Path) -> None:
    """Where each web process keeps its counters, for `/metrics` to add up. Those of an earlier run go."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    os.environ["PROMETHEUS_MULTIPROC_DIR"] = str(folder)

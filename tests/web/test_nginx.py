"""deploy/nginx/mutoscope.conf, run by a real nginx in front of a server that tells what reached it."""

from __future__ import annotations

import http.client
import json
import re
import shutil
import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from tests.cli.house import free_port
from tests.plugin import ROOT

pytestmark = pytest.mark.nginx

MIB = 1024 * 1024
NAME = "films.example.org"


class Telling(BaseHTTPRequestHandler):
    """Answers with the headers that reached it and how much of a body."""

    protocol_version = "HTTP/1.1"
    reached: int = 0

    def do_POST(self) -> None:
        Telling.reached += 1
        length = int(self.headers.get("Content-Length", "0"))
        self.rfile.read(length)
        told = json.dumps({"length": length, "headers": dict(self.headers)}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(told)))
        self.end_headers()
        self.wfile.write(told)

    do_GET = do_PATCH = do_POST  # noqa: N815 - names that http.server calls

    def log_message(self, *_: object) -> None:
        pass


@dataclass
class Proxy:
    plain: int
    tls: int

    def ask(
        self, path: str, body: bytes | None = None, method: str = "POST", **headers: str
    ) -> tuple[int, dict[str, str], int]:
        """Status, what reached the site, and how long the body was there."""
        trusting = ssl._create_unverified_context()
        connection = http.client.HTTPSConnection("127.0.0.1", self.tls, context=trusting, timeout=30)
        try:
            given = {"Host": NAME, **{name.replace("_", "-"): value for name, value in headers.items()}}
            connection.request(method, path, body, given)
            answer = connection.getresponse()
            content = answer.read()
            told = json.loads(content) if answer.status == 200 else {"headers": {}, "length": 0}
            return answer.status, told["headers"], told["length"]
        finally:
            connection.close()


@pytest.fixture(scope="module")
def proxy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Proxy]:
    folder = tmp_path_factory.mktemp("nginx")
    site = ThreadingHTTPServer(("127.0.0.1", 0), Telling)
    threading.Thread(target=site.serve_forever, daemon=True).start()
    made = Proxy(free_port(), free_port())
    certificate, key = folder / "cert.pem", folder / "key.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", f"/CN={NAME}",
         "-keyout", str(key), "-out", str(certificate)],
        check=True, capture_output=True,
    )  # fmt: skip
    text = (ROOT / "deploy" / "nginx" / "mutoscope.conf").read_text()
    for pattern, here in (
        (r"listen \[::\]:\d+[^;]*;", ""),
        (r"listen 80;", f"listen 127.0.0.1:{made.plain};"),
        (r"listen 443 ", f"listen 127.0.0.1:{made.tls} "),
        (r"server 127\.0\.0\.1:8000;", f"server 127.0.0.1:{site.server_port};"),
        (r"(ssl_certificate +)\S+;", rf"\g<1>{certificate};"),
        (r"(ssl_certificate_key +)\S+;", rf"\g<1>{key};"),
    ):
        text, times = re.subn(pattern, here, text)
        assert times, pattern
    (folder / "mutoscope.conf").write_text(text)
    places = "".join(f"{kind}_temp_path {folder}/{kind};" for kind in ("proxy", "fastcgi", "uwsgi", "scgi"))
    (folder / "nginx.conf").write_text(
        f"daemon off; worker_processes 1; pid {folder}/pid; error_log {folder}/error.log; events {{}}\n"
        f"http {{ access_log off; client_body_temp_path {folder}/body; {places} include {folder}/mutoscope.conf; }}\n"
    )
    program = shutil.which("nginx")
    assert program is not None
    # By root it would give its files to www-data, whom pytest's folders are closed to.
    command = [program, "-p", str(folder), "-c", str(folder / "nginx.conf"), "-g", "user root;"]
    checked = subprocess.run([*command, "-t"], capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stderr
    running = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        _await_port(made.tls, running, folder / "error.log")
        yield made
    finally:
        running.terminate()
        running.wait(30)
        site.shutdown()
        site.server_close()


def _await_port(port: int, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + 60
    while True:
        assert process.poll() is None, log.read_text()
        try:
            socket.create_connection(("127.0.0.1", port), timeout=5).close()
        except OSError:
            assert time.monotonic() < deadline, log.read_text()
            time.sleep(0.05)
        else:
            return


def test_a_part_of_a_film_goes_through_and_the_largest_that_the_site_takes(proxy: Proxy) -> None:
    for size in (8 * MIB, 128 * MIB):
        status, _, length = proxy.ask("/uploads/abc", bytes(size), "PATCH")
        assert (status, length) == (200, size)


def test_a_form_may_be_as_large_as_the_site_takes_it_and_no_larger(proxy: Proxy, settings: object) -> None:
    most = settings.FORM_UPLOAD_BYTES_MAX  # type: ignore[attr-defined]
    assert proxy.ask("/studio/cover/", bytes(most))[0] == 200
    assert proxy.ask("/studio/cover/", bytes(most + 1))[0] == 413
    assert proxy.ask("/uploads/", bytes(settings.UPLOAD_CHUNK_BYTES_MAX + 1))[0] == 413  # type: ignore[attr-defined]


def test_what_a_client_says_of_its_address_does_not_reach_the_site(proxy: Proxy) -> None:
    forged = {"X_Forwarded_For": "192.0.2.7", "X_Forwarded_Proto": "http", "X_Forwarded_Host": "evil.example",
              "X_Real_IP": "192.0.2.7", "Forwarded": "for=192.0.2.7"}  # fmt: skip
    _, headers, _ = proxy.ask("/", None, "GET", **forged)
    about = {name: value for name, value in headers.items() if name.startswith(("X-", "Forwarded"))}
    assert about == {"X-Forwarded-For": "127.0.0.1", "X-Forwarded-Proto": "https"}
    assert headers["Host"] == NAME


def test_plain_http_leads_to_the_sites_own_address(proxy: Proxy) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", proxy.plain, timeout=30)
    connection.request("GET", "/films/?page=2", headers={"Host": "evil.example"})
    answer = connection.getresponse()
    assert (answer.status, answer.headers["Location"]) == (301, f"https://{NAME}/films/?page=2")
    connection.close()


def test_figures_are_not_for_the_network(proxy: Proxy) -> None:
    assert proxy.ask("/metrics", None, "GET")[0] == 404


def test_half_a_request_does_not_reach_the_site(proxy: Proxy) -> None:
    """Somebody who sends slowly keeps nginx busy, not one of the site's threads."""
    context = ssl._create_unverified_context()
    for path in ("/account/login/", "/uploads/abc"):
        before = Telling.reached
        with (
            socket.create_connection(("127.0.0.1", proxy.tls), timeout=30) as raw,
            context.wrap_socket(raw, server_hostname=NAME) as slow,
        ):
            head = f"POST {path} HTTP/1.1\r\nHost: {NAME}\r\nContent-Length: 4\r\nConnection: close\r\n\r\nab"
            slow.sendall(head.encode())
            # Another request goes all the way meanwhile.
            assert proxy.ask("/", b"x")[0] == 200
            assert Telling.reached == before + 1
            slow.sendall(b"cd")
            assert slow.recv(100).startswith(b"HTTP/1.1 200")
        assert Telling.reached == before + 2

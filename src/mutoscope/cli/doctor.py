"""`mutoscope doctor`: what this machine and these settings can and cannot do, a line each, with the cure."""

from __future__ import annotations

import json
import os
import platform
import shutil
import smtplib
import socket
import ssl
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from urllib.parse import unquote, urlsplit

from rich.console import Console
from rich.table import Table
from rich.text import Text

from mutoscope.cli.complaint import explain
from mutoscope.cli.database import database_running
from mutoscope.cli.state import is_held
from mutoscope.cli.variables import unread_variables
from mutoscope.web.environment import Environment, home_directory, read_environment

FREE_BYTES_FEW = 5 * 1024**3
FREE_BYTES_MIN = 256 * 1024**2
CLOCK_SKEW_MAX_S = 2.0
POSTGRES_MAJOR_MIN = 15
# Before this release was made no right clock can stand.
CLOCK_EARLIEST = datetime(2026, 1, 1, tzinfo=UTC)
PROBE_TIMEOUT_S = 10
NOTIFICATION_TIMEOUT_S = 1.0


class Health(StrEnum):
    GOOD = "ok"
    WARNING = "warning"
    BAD = "fail"


@dataclass(frozen=True)
class Finding:
    """One line of the report. `fix` says what to do and is empty when nothing has to be done."""

    check: str
    health: Health
    detail: str
    fix: str = ""


Findings = Iterator[Finding]


def run(*, as_json: bool) -> int:
    """Print every finding; 0 when nothing is bad, 1 otherwise."""
    findings = examine(read_environment())
    if as_json:
        sys.stdout.write(json.dumps([asdict(finding) for finding in findings], indent=2) + "\n")
    else:
        _print(findings)
    return 1 if any(finding.health is Health.BAD for finding in findings) else 0


def examine(environment: Environment) -> list[Finding]:
    """Every finding about this machine under these settings. A check that itself breaks is a finding, too."""
    from mutoscope.cli.doctor_sandbox import sandbox
    from mutoscope.cli.doctor_settings import bucket, django_checks, rates_file, signer_files

    findings: list[Finding] = []
    ours = (python, settings, disk, clock, ffmpeg, sandbox, database, mail, chain, key_material)
    for check in (*ours, bucket, rates_file, signer_files, django_checks):
        try:
            findings.extend(check(environment))
        except Exception as error:
            findings.append(_broken(check.__name__.replace("_", " "), error))
    return findings


def _broken(name: str, error: Exception) -> Finding:
    """What the person can mend is told as such; only the rest is ours."""
    complaint = explain(error)
    if complaint is not None:
        return Finding(name, Health.BAD, str(complaint), "The message says what to do.")
    if isinstance(error, OSError) and error.filename:
        cure = "Look at its path, its owner and its rights, and at MUTOSCOPE_HOME."
        return Finding(name, Health.BAD, f"{error.filename}: {error.strerror}", cure)
    return Finding(name, Health.BAD, f"the check itself failed: {error}", "Please report this.")


def python(_: Environment) -> Findings:
    version = platform.python_version()
    if sys.version_info < (3, 11):  # noqa: UP036 - the point of the check
        yield Finding("python", Health.BAD, version, "Install Python 3.11 or newer and run make clean up.")
    else:
        yield Finding("python", Health.GOOD, version)


def settings(_: Environment) -> Findings:
    """A mistyped variable is no error, since others may use the prefix too; but somebody should say so."""
    unread = unread_variables()
    if unread:
        cure = "See docs/settings.md for the names there are."
        yield Finding("settings", Health.WARNING, f"nothing reads {', '.join(unread)}", cure)
    else:
        yield Finding("settings", Health.GOOD, "every MUTOSCOPE_ variable that is set is known")


def disk(environment: Environment) -> Findings:
    home = home_directory(environment)
    existing = next(path for path in (home, *home.parents) if path.exists())
    free = shutil.disk_usage(existing).free
    detail = f"{free / 1024**3:.1f} GiB free at {home}"
    if not os.access(existing, os.W_OK):
        yield Finding(
            "disk", Health.BAD, f"{existing} cannot be written", "Give its owner the right, or set MUTOSCOPE_HOME."
        )
    elif free < FREE_BYTES_MIN:
        yield Finding("disk", Health.BAD, detail, "Free some space, or set MUTOSCOPE_HOME to a folder on another disk.")
    elif free < FREE_BYTES_FEW:
        yield Finding("disk", Health.WARNING, detail, "Films are large: plan three times the size of what is uploaded.")
    else:
        yield Finding("disk", Health.GOOD, detail)


def clock(_: Environment) -> Findings:
    now = datetime.now(UTC)
    if now < CLOCK_EARLIEST:
        yield Finding("clock", Health.BAD, f"it is not {now:%Y-%m-%d}", "Set the clock: timedatectl set-ntp true")
    else:
        yield Finding("clock", Health.GOOD, f"{now:%Y-%m-%d %H:%M:%S} UTC")


def ffmpeg(environment: Environment) -> Findings:
    if environment.ffmpeg is not None:
        path, origin = environment.ffmpeg, "MUTOSCOPE_FFMPEG"
        cure = "Correct MUTOSCOPE_FFMPEG, or unset it to use the one that comes along."
    else:
        import imageio_ffmpeg

        path, origin = Path(imageio_ffmpeg.get_ffmpeg_exe()), "from the wheel"
        cure = "Run make up again, or set MUTOSCOPE_FFMPEG to an ffmpeg of yours."
    try:
        said = subprocess.run(
            [path, "-hide_banner", "-encoders"], capture_output=True, text=True, check=True, timeout=PROBE_TIMEOUT_S
        ).stdout
        version = subprocess.run(
            [path, "-version"], capture_output=True, text=True, check=True, timeout=PROBE_TIMEOUT_S
        ).stdout.split()[2]
    except (OSError, subprocess.SubprocessError, IndexError) as error:
        yield Finding("ffmpeg", Health.BAD, f"{path} does not run: {error}", cure)
        return
    lacking = [encoder for encoder in ("libx264", "aac") if f" {encoder} " not in said]
    if lacking:
        yield Finding("ffmpeg", Health.BAD, f"{version} ({origin}) has no {' and no '.join(lacking)}", cure)
    elif environment.video_av1 and " libsvtav1 " not in said:
        detail = (
            f"{version} ({origin}) cannot make the AV1 that MUTOSCOPE_VIDEO_AV1 asks for: films are made in H.264 alone"
        )
        yield Finding("ffmpeg", Health.WARNING, detail, "Unset MUTOSCOPE_FFMPEG, or unset MUTOSCOPE_VIDEO_AV1.")
    else:
        yield Finding("ffmpeg", Health.GOOD, f"{version} ({origin})")


def database(environment: Environment) -> Findings:
    import django
    from django.db import DatabaseError, connections

    from mutoscope.cli.doctor_settings import packs, tokens
    from mutoscope.engines.postgres.errors import EmbeddedServerError

    django.setup()
    try:
        with database_running():
            try:
                for alias in ("default", "direct"):
                    yield from _connection(alias)
                yield _same_database()
                yield _listening()
                yield _database_clock()
                yield from _signer(environment)
                yield from _watcher(environment)
                yield from tokens(environment)
                yield from packs(environment)
            finally:
                connections.close_all()
    except EmbeddedServerError as error:
        yield Finding("database", Health.BAD, str(error), "The message says what to do.")
    except DatabaseError as error:
        cure = "Check DATABASE_URL and DATABASE_DIRECT_URL, and that the server runs."
        yield Finding("database", Health.BAD, str(error).strip().splitlines()[0], cure)


def _signer(environment: Environment) -> Findings:
    from django.db import connection

    from mutoscope.engines.solana.signer import findings

    if "solana_signer_report" not in connection.introspection.table_names():
        return  # Not migrated yet, which is said elsewhere.
    # In the sandbox it runs while `mutoscope up` runs; without that, it is no news that nobody signs.
    runs = environment.is_production or is_held(home_directory(environment)) is not None
    expected = set() if runs else {"signer_never_ran", "signer_silent", "wallet_pool_low"}
    wrong = [each for each in findings.findings() if each.name not in expected]
    for each in wrong:
        yield Finding("signer", Health.WARNING, f"{each.name}: {each.text}", "docs/keys.md has a section on each.")
    if not wrong:
        yield Finding("signer", Health.GOOD, "nothing to complain of")


def _watcher(environment: Environment) -> Findings:
    """In the sandbox it runs while `mutoscope up` runs."""
    from django.db import connection

    from mutoscope.engines.solana.watcher.findings import watcher_findings

    is_expected = environment.is_production or is_held(home_directory(environment)) is not None
    if not is_expected or "mutoscope_solana_lease" not in connection.introspection.table_names():
        return
    wrong = watcher_findings()
    for each in wrong:
        cure = "Start it, or start it again: mutoscope watcher, or its unit."
        yield Finding("watcher", Health.WARNING, f"{each.name}: {each.text}", cure)
    if not wrong:
        yield Finding("watcher", Health.GOOD, "nothing to complain of")


def _connection(alias: str) -> Findings:
    from django.db import connections

    began = time.perf_counter()
    with connections[alias].cursor() as cursor:
        cursor.execute(
            "SELECT current_setting('server_version_num')::int, current_setting('server_version'),"
            " pg_encoding_to_char(encoding) FROM pg_database WHERE datname = current_database()"
        )
        number, version, encoding = cursor.fetchone()
        took_ms = (time.perf_counter() - began) * 1000
        cursor.execute("SELECT extname FROM pg_extension WHERE extname <> 'plpgsql' ORDER BY extname")
        extensions = ", ".join(name for (name,) in cursor.fetchall()) or "none"
    name = f"database {alias}"
    if number // 10_000 < POSTGRES_MAJOR_MIN:
        cure = f"Upgrade the server to PostgreSQL {POSTGRES_MAJOR_MIN} or newer."
        yield Finding(name, Health.BAD, f"PostgreSQL {version}", cure)
    elif encoding != "UTF8":
        cure = "Create the database anew with ENCODING 'UTF8'."
        yield Finding(name, Health.BAD, f"its encoding is {encoding}", cure)
    else:
        yield Finding(
            name, Health.GOOD, f"PostgreSQL {version}, connected in {took_ms:.0f} ms, extensions: {extensions}"
        )


def _same_database() -> Finding:
    """Both connections have to end in one database, or migrations go where nobody reads."""
    from django.db import connections

    seen = set()
    for alias in ("default", "direct"):
        with connections[alias].cursor() as cursor:
            cursor.execute("SELECT pg_postmaster_start_time(), oid FROM pg_database WHERE datname = current_database()")
            seen.add(cursor.fetchone())
    if len(seen) == 1:
        return Finding("connections", Health.GOOD, "default and direct reach the same database")
    cure = "Point DATABASE_URL and DATABASE_DIRECT_URL at the same database."
    return Finding("connections", Health.BAD, "default and direct reach different databases", cure)


def _listening() -> Finding:
    """A transaction pooler swallows notifications; on the direct connection those of others have to arrive."""
    import psycopg
    from django.conf import settings as site

    url = site.DATABASE_DIRECT_URL
    with psycopg.connect(url, autocommit=True) as listener, psycopg.connect(url, autocommit=True) as other:
        listener.execute("LISTEN mutoscope_doctor")
        other.execute("NOTIFY mutoscope_doctor")
        heard = list(listener.notifies(timeout=NOTIFICATION_TIMEOUT_S, stop_after=1))
    if heard:
        return Finding("notifications", Health.GOOD, "arrive on the direct connection")
    cure = "Set DATABASE_DIRECT_URL to the server itself, not to the pooler."
    return Finding("notifications", Health.BAD, "do not arrive on the direct connection", cure)


def _database_clock() -> Finding:
    from django.db import connections

    with connections["default"].cursor() as cursor:
        before = time.time()
        cursor.execute("SELECT extract(epoch FROM clock_timestamp())")
        (theirs,) = cursor.fetchone()
        skew_s = float(theirs) - (before + time.time()) / 2
    if abs(skew_s) <= CLOCK_SKEW_MAX_S:
        return Finding("database clock", Health.GOOD, f"{abs(skew_s) * 1000:.0f} ms from ours")
    cure = "Let both machines follow the same time servers: timedatectl set-ntp true"
    return Finding("database clock", Health.BAD, f"{skew_s:+.0f} s from ours", cure)


def mail(environment: Environment) -> Findings:
    if environment.mail_url is None:
        if environment.is_production:
            yield Finding("mail", Health.BAD, "no mail leaves", "Set MUTOSCOPE_MAIL_URL.")
        else:
            yield Finding("mail", Health.GOOD, "stays on the outbox page of the sandbox")
        return
    parts = urlsplit(environment.mail_url.get_secret_value())
    cure = "Check host, port, user and password in MUTOSCOPE_MAIL_URL."
    try:
        with _smtp(parts.scheme, parts.hostname or "", parts.port) as connection:
            if parts.username:
                connection.login(unquote(parts.username), unquote(parts.password or ""))
            connection.noop()
    except (OSError, smtplib.SMTPException) as error:
        yield Finding("mail", Health.BAD, f"{parts.hostname} does not take our mail: {error}", cure)
    else:
        yield Finding("mail", Health.GOOD, f"{parts.hostname} takes our mail")


def _smtp(scheme: str, host: str, port: int | None) -> smtplib.SMTP:
    context = ssl.create_default_context()
    if scheme == "smtps":
        return smtplib.SMTP_SSL(host, port or 465, timeout=PROBE_TIMEOUT_S, context=context)
    connection = smtplib.SMTP(host, port or 587, timeout=PROBE_TIMEOUT_S)
    if scheme == "smtp+tls":
        connection.starttls(context=context)
    return connection


def chain(environment: Environment) -> Findings:
    if environment.is_production:
        yield Finding("chain", Health.GOOD, "no sandbox chain in production")
        return
    try:
        with socket.create_connection(("127.0.0.1", environment.chain_port), timeout=PROBE_TIMEOUT_S):
            pass
    except OSError:
        yield Finding("chain", Health.GOOD, f"sandbox, not running; mutoscope up starts it at {environment.chain_url}")
    else:
        yield Finding("chain", Health.GOOD, f"sandbox, answers at {environment.chain_url}")


def key_material(environment: Environment) -> Findings:
    yield _kept(environment, "secret key", "secret_key", is_set=environment.secret_key is not None)
    yield _kept(environment, "video key", "video_key", is_set=environment.video_key is not None)


def _kept(environment: Environment, name: str, file_name: str, *, is_set: bool) -> Finding:
    """Production needs it from the environment; the sandbox keeps its own in a file."""
    if is_set:
        return Finding(name, Health.GOOD, "from the environment")
    path = home_directory(environment) / "secrets" / file_name
    if environment.is_production:
        return Finding(name, Health.BAD, "is not set", f"Set MUTOSCOPE_{file_name.upper()}.")
    if not path.exists():
        return Finding(name, Health.GOOD, "will be made at the first start")
    if stat.S_IMODE(path.stat().st_mode) & 0o077:
        return Finding(name, Health.BAD, f"others may read {path}", f"chmod 600 {path}")
    return Finding(name, Health.GOOD, "made for this sandbox, readable by its owner alone")


SYMBOLS: dict[Health, tuple[str, str]] = {
    Health.GOOD: ("●", "green"),
    Health.WARNING: ("▲", "yellow"),
    Health.BAD: ("▲", "red"),
}


def _print(findings: list[Finding]) -> None:
    table = Table.grid(padding=(0, 2))
    for finding in findings:
        symbol, colour = SYMBOLS[finding.health]
        detail = Text(finding.detail)
        if finding.fix:
            detail.append(f"\n{finding.fix}", style=colour)
        table.add_row(Text(symbol, style=colour), finding.check, detail)
    Console(highlight=False).print(table)

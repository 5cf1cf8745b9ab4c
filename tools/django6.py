"""Does engines/tasks work with Django 6 and its own `django.tasks`? `.venv/bin/python tools/django6.py python3.12`

Django 6 wants Python 3.12 or newer, which the rest of the project does not need, so this is no part of the test suite: it
makes a virtual environment of its own below var/ with that Python, and runs a small program in it.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from mutoscope.engines.postgres.embedded import EmbeddedServer

ROOT = Path(__file__).resolve().parents[1]
NEEDED = ["django>=6.0,<6.1", "psycopg[binary]", "cronsim", "prometheus-client"]


def main() -> int:
    if len(sys.argv) != 2:
        print(__doc__)
        return 2
    home = ROOT / "var" / "django6"
    subprocess.run([sys.argv[1], "-m", "venv", "--clear", str(home)], check=True)
    python = home / "bin" / "python"
    subprocess.run([str(python), "-m", "pip", "install", "--quiet", *NEEDED], check=True)
    folder = Path(tempfile.mkdtemp(prefix="django6-", dir=ROOT / "var"))
    server = EmbeddedServer(folder / "postgres", sync_on_creation=False)
    server.start()
    try:
        environment = os.environ | {
            "DJANGO_SETTINGS_MODULE": "tests.engines.tasks.project.settings",
            "PROJECT_DATABASE_URL": server.url(),
            "PROJECT_LOG_LEVEL": "CRITICAL",
            "PYTHONPATH": f"{ROOT / 'src'}{os.pathsep}{ROOT}",
        }
        command = [
            str(python),
            "-W",
            "error::DeprecationWarning",
            "-m",
            "tests.engines.tasks.project.under_other_django",
        ]
        return subprocess.run(command, env=environment, cwd=ROOT, check=False).returncode
    finally:
        server.stop()
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main())

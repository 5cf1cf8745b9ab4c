#!/bin/sh
# Re-make the lock files from pyproject.toml and package.json. They pin every version and hash, and name no registry:
# whoever installs uses the registry that their own pip and npm are set up for.
set -eu
cd "$(dirname "$0")/.."
UV="${UV:-.venv/bin/uv}"
lock="$UV pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-annotate --no-header"
$lock pyproject.toml --group install --output-file requirements.lock "$@"
$lock pyproject.toml --group install --group dev --constraint requirements.lock --output-file requirements-dev.lock "$@"
$lock --group node --output-file requirements-node.lock "$@"
npm install --package-lock-only --ignore-scripts --omit-lockfile-registry-resolved --no-audit --no-fund
# npm writes down whom one may pay for a package, with addresses: not what a lock file is for.
.venv/bin/python - <<'PY'
import json, pathlib
path = pathlib.Path("package-lock.json")
lock = json.loads(path.read_text())
for package in lock["packages"].values():
    package.pop("funding", None)
path.write_text(json.dumps(lock, indent=2) + "\n")
PY

"""The journal's folder is one user's: whoever else comes is told so in a sentence, and leaves nothing there."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from mutoscope.engines.solana.signer.journal import FILE, Journal, JournalRefused, refuse_as_root

ANOTHER = 61_001
OPEN = f"""
import os, sys
from pathlib import Path
from mutoscope.engines.solana.signer.journal import Journal, JournalRefused
os.setresuid({ANOTHER}, {ANOTHER}, {ANOTHER})
try:
    Journal(Path(sys.argv[1]))
except JournalRefused as refused:
    print(refused)
"""


@pytest.mark.root
def test_root_is_refused_in_another_users_folder(tmp_path: Path) -> None:
    folder = tmp_path / "state"
    refuse_as_root(folder)
    folder.mkdir()
    refuse_as_root(folder)
    os.chown(folder, ANOTHER, -1)
    with pytest.raises(JournalRefused, match=re.escape(f"{folder} belongs to user {ANOTHER}, and this is root.")):
        refuse_as_root(folder)


@pytest.mark.root
def test_a_journal_that_root_left_behind_is_named_with_its_owner(tmp_path: Path) -> None:
    for place in (*tmp_path.parents, tmp_path):
        if place.stat().st_uid == 0 and place.name.startswith(("pytest", "test", "popen")):
            place.chmod(0o755)
    folder = tmp_path / "state"
    Journal(folder).close()
    os.chown(folder, ANOTHER, -1)
    done = subprocess.run([sys.executable, "-c", OPEN, str(folder)], capture_output=True, text=True, check=False)
    assert done.stdout.startswith(f"{folder / FILE} belongs to root, and this is user {ANOTHER}"), done.stderr

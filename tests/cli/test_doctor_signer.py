"""What `mutoscope doctor` says of the signer, while `up` runs and while it does not."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.db import connection

from mutoscope.cli import doctor
from mutoscope.cli.doctor import _signer
from mutoscope.cli.state import Running
from mutoscope.web.environment import Environment, Mode


@pytest.mark.django_db
def test_a_silent_signer_is_news_where_the_sandbox_runs(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO solana_signer_report (id, beat_at, fee_address, fee_lamports, fee_low_lamports, payout_address,"
            " pool_low_water, trouble) VALUES (1, now() - interval '5 minutes', '', 0, 0, '', 0, '')"
        )
    sandbox = Environment.model_construct(mode=Mode.SANDBOX, home=tmp_path)
    for running, said in ((None, "nothing to complain of"), (Running(1, "http://127.0.0.1"), "signer_silent: ")):
        monkeypatch.setattr(doctor, "is_held", lambda home, running=running: running)
        (finding,) = _signer(sandbox)
        assert finding.detail.startswith(said)

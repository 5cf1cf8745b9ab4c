"""How `manage.py ledger` is told what to do."""

from __future__ import annotations

import pytest
from django.core.management import CommandError, call_command

from mutoscope.engines.ledger import Account, Ledger
from tests.engines.ledger.books import fresh
from tests.engines.ledger.own import ALIAS, own  # noqa: F401 - a fixture


@pytest.mark.parametrize(
    "words", [("--database", ALIAS, "trial-balance"), ("trial-balance", "--database", ALIAS, "--json")]
)
def test_the_database_is_named_before_the_action_or_after_it(
    own: str,  # noqa: F811
    words: tuple[str, ...],
    capsys: pytest.CaptureFixture[str],
) -> None:
    Ledger(ALIAS).open_account("somebody", "points", "XYZ")
    call_command("ledger", *words)
    assert "XYZ" in capsys.readouterr().out


@pytest.mark.parametrize("action", ["verify", "seal", "export", "expire"])
def test_all_actions_take_it(own: str, action: str) -> None:  # noqa: F811
    call_command("ledger", action, "--database", ALIAS, "--json")
    with pytest.raises(Exception, match="nowhere"):
        call_command("ledger", action, "--database", "nowhere")


@pytest.mark.parametrize(
    "words",
    [
        ("statement", "a/b/c", "--limit", "0"),
        ("statement", "a/b/c", "--limit", "1001"),
        ("statement", "a/b/c", "--after", str(2**63)),
        ("expire", "--limit", "-1"),
        ("expire", "--limit", "many"),
    ],
)
def test_a_number_that_cannot_be_meant_is_refused_by_its_option(words: tuple[str, ...]) -> None:
    with pytest.raises(CommandError, match=f"{words[-2]}: must be a whole number from"):
        call_command("ledger", *words)


def balance(path: str, capsys: pytest.CaptureFixture[str]) -> str:
    call_command("ledger", "balance", path, "--database", ALIAS)
    return capsys.readouterr().out.splitlines()[0]


def test_an_account_with_slashes_in_its_name_is_found(own: str, capsys: pytest.CaptureFixture[str]) -> None:  # noqa: F811
    account = Ledger(ALIAS).open_account(f"shop/{fresh('x')}", "points/free", "PTS")
    assert balance(str(account), capsys) == balance(str(account.id), capsys) == f"account: {account}"


def test_of_several_accounts_called_alike_one_is_named_by_its_id(own: str, capsys: pytest.CaptureFixture[str]) -> None:  # noqa: F811
    ledger = Ledger(ALIAS)
    twins: list[Account] = [ledger.open_account("a/b", "c", "PTS"), ledger.open_account("a", "b/c", "PTS")]
    with pytest.raises(CommandError, match=r"by its id, of \d+, \d+"):
        balance("a/b/c/PTS", capsys)
    assert balance(str(twins[1].id), capsys) == "account: a/b/c/PTS"
    for nobody in ("a/b", str(10**30)):
        with pytest.raises(CommandError, match="There is no account"):
            balance(nobody, capsys)

"""Settings from the environment: each wrong one is named with its problem and an example."""

from __future__ import annotations

import pytest

from mutoscope.web.checks import find_unsafe_defaults
from mutoscope.web.environment import Environment, WrongEnvironment, read_environment

SAFE = {
    "MUTOSCOPE_MODE": "production",
    "MUTOSCOPE_SITE_URL": "https://films.example.org",
    "MUTOSCOPE_SECRET_KEY": "k" * 60,
    "MUTOSCOPE_VIDEO_KEY": "a" * 43 + "=",
    "MUTOSCOPE_MAIL_URL": "smtp+tls://user:word@mail.example.org:587",
    "MUTOSCOPE_MAIL_FROM": "Films <no-reply@films.example.org>",
    "MUTOSCOPE_TRUSTED_PROXIES": "1",
    "MUTOSCOPE_RPC_URLS": "https://rpc.example.com,https://rpc.example.net",
    "MUTOSCOPE_RATES_FIXED": "USDC=1",
}


@pytest.mark.parametrize(
    ("name", "value", "problem"),
    [
        ("MUTOSCOPE_MODE", "prod", "'sandbox' or 'production'"),
        ("MUTOSCOPE_PORT", "0", "greater than or equal to 1"),
        ("MUTOSCOPE_PORT", "http", "valid integer"),
        ("MUTOSCOPE_WEB_THREADS", "1000", "less than or equal to 256"),
        ("MUTOSCOPE_SITE_URL", "films.example.org", "must be an address such as"),
        ("MUTOSCOPE_SITE_URL", "https://films.example.org/shop", "origin alone"),
        ("MUTOSCOPE_ALLOWED_HOSTS", "a.example, b example", "'b example' is not a host name"),
        ("MUTOSCOPE_SECRET_KEY", "short", "at least 50 characters"),
        ("MUTOSCOPE_VIDEO_KEY", "c2hvcnQ=", "32 bytes in base64"),
        ("MUTOSCOPE_MAIL_URL", "mail.example.org", "smtp://"),
        ("MUTOSCOPE_LOG_LEVEL", "LOUD", "should be 'DEBUG', 'INFO', 'WARNING' or 'ERROR'"),
        ("MUTOSCOPE_VIDEO_PRESET", "fastest", "should be 'ultrafast', 'superfast',"),
        ("MUTOSCOPE_PAYOUT_TOKEN", "US DC", "short name of a token"),
        ("MUTOSCOPE_RPC_URLS", "foo", "must be an address that begins with https://"),
        ("MUTOSCOPE_RPC_URLS", "https://a.example.com,ftp://b.example.com", "number 2 of 2 must be an address"),
        ("MUTOSCOPE_SOLANA_CLUSTER", "mainet", "'mainet' is none of mainnet-beta, devnet, testnet"),
        ("MUTOSCOPE_WALLET", "abc", "must be the address of a wallet on Solana"),
        ("MUTOSCOPE_WALLET", "1" * 44, "must be the address of a wallet on Solana"),
        ("MUTOSCOPE_RATES_KEY", "abc", "must be 32 bytes in base64"),
        ("MUTOSCOPE_RATES_KEY", "schlüssel", "must be 32 bytes in base64"),
        ("MUTOSCOPE_RATES_URL", "rates.example.com", "must be an address that begins with https://"),
        ("DATABASE_URL", "sqlite:///films.db", "must begin with postgresql://"),
        ("DATABASE_POOL_SIZE", "-3", "greater than or equal to 1"),
    ],
)
def test_a_wrong_value_names_the_variable_the_problem_and_an_example(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, problem: str
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(WrongEnvironment) as refusal:
        read_environment()
    assert list(refusal.value.problems) == [name]
    assert problem in refusal.value.problems[name]
    assert f"For example: {name}=" in refusal.value.problems[name]


def test_what_is_right_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    right = {
        "MUTOSCOPE_WALLET": "9xQeWvG816bUx9EPjHmaT23yvVM2ZWbrrpZb9PusVFin",
        "MUTOSCOPE_SOLANA_CLUSTER": "EtWTRABZaYq6iMfeYKouRu166VU2xqa1wcaWoxPkrZBG",
        "MUTOSCOPE_RPC_URLS": "http://127.0.0.1:8899, https://rpc.example.com/?key=word",
        "MUTOSCOPE_RATES_KEY": "a" * 43 + "=",
        "MUTOSCOPE_RATES_URL": "https://rates.example.com/usd.json",
        "MUTOSCOPE_VIDEO_PRESET": "slower",
    }
    for name, value in right.items():
        monkeypatch.setenv(name, value)
    read = read_environment()
    assert (read.wallet, read.solana_cluster) == (right["MUTOSCOPE_WALLET"], right["MUTOSCOPE_SOLANA_CLUSTER"])
    assert len(read.rpc_urls) == 2


def test_a_wrong_address_is_not_repeated_since_it_may_hold_a_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MUTOSCOPE_RPC_URLS", "rpc.example.com/canary")
    with pytest.raises(WrongEnvironment) as refusal:
        read_environment()
    assert "canary" not in str(refusal.value)


def test_several_wrong_values_are_all_named_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MUTOSCOPE_PORT", "x")
    monkeypatch.setenv("DATABASE_URL", "x")
    with pytest.raises(WrongEnvironment) as refusal:
        read_environment()
    assert set(refusal.value.problems) == {"MUTOSCOPE_PORT", "DATABASE_URL"}


def test_a_secret_is_not_shown_by_its_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MUTOSCOPE_SECRET_KEY", "canary" * 10)
    monkeypatch.setenv("DATABASE_URL", "postgresql://u:canary@h/d")
    assert "canary" not in repr(read_environment())


def test_the_address_follows_the_port(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MUTOSCOPE_PORT", "8123")
    assert read_environment().site_url == "http://localhost:8123"


def test_safe_production_settings_have_no_finding() -> None:
    assert find_unsafe_defaults(Environment.model_validate(SAFE)) == []


@pytest.mark.parametrize(
    ("changed", "value", "identifier"),
    [
        ("MUTOSCOPE_SITE_URL", "http://films.example.org", "mutoscope.E001"),
        ("MUTOSCOPE_SITE_URL", "https://localhost", "mutoscope.E001"),
        ("MUTOSCOPE_MAIL_URL", None, "mutoscope.E002"),
        ("MUTOSCOPE_MAIL_FROM", None, "mutoscope.E003"),
        ("MUTOSCOPE_TRUSTED_PROXIES", None, "mutoscope.E004"),
        ("MUTOSCOPE_HOST", "0.0.0.0", "mutoscope.W001"),
        ("MUTOSCOPE_RPC_URLS", None, "mutoscope.W002"),
        ("MUTOSCOPE_RATES_FIXED", None, "mutoscope.W003"),
        ("MUTOSCOPE_RATES_FILE", "/var/lib/mutoscope/rates", "mutoscope.E005"),
        ("MUTOSCOPE_RATES_URL", "http://rates.example.com", "mutoscope.E006"),
    ],
)
def test_each_unsafe_default_has_an_id_and_a_hint(changed: str, value: str | None, identifier: str) -> None:
    given = {**SAFE, changed: value}
    environment = Environment.model_validate({name: text for name, text in given.items() if text is not None})
    (finding,) = find_unsafe_defaults(environment)
    assert finding.id == identifier
    assert finding.hint

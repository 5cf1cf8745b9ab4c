"""What production refuses to start with. Each finding has an id, says what is wrong, and hints at the cure."""

from __future__ import annotations

from collections.abc import Sequence
from ipaddress import ip_address
from typing import Any
from urllib.parse import urlsplit

from django.apps import AppConfig
from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, Warning, register  # noqa: A004 - Django's own name

from mutoscope.web.environment import Environment

ANYWHERE = frozenset({"0.0.0.0", "::"})  # noqa: S104 - looked for, not listened on


@register(Tags.security)
def production_is_safe(app_configs: Sequence[AppConfig] | None, **_: Any) -> list[CheckMessage]:
    """Every unsafe default that is still in force in production; in the sandbox there is nothing to find."""
    environment: Environment = settings.ENVIRONMENT
    return find_unsafe_defaults(environment) if environment.is_production else []


def find_unsafe_defaults(environment: Environment) -> list[CheckMessage]:
    """The findings for these settings, taken as production's."""
    found: list[CheckMessage] = []
    host = urlsplit(environment.site_url).hostname or ""
    if not environment.is_https or _is_local(host):
        found.append(
            Error(
                f"MUTOSCOPE_SITE_URL is {environment.site_url}, which others cannot reach safely.",
                hint="Set it to the https:// address that people type, such as https://films.example.org.",
                id="mutoscope.E001",
            )
        )
    if environment.mail_url is None:
        found.append(
            Error(
                "MUTOSCOPE_MAIL_URL is not set, so nobody could confirm an address or reset a password.",
                hint="Set it to your mail server: smtp+tls://user:password@mail.example.org:587",
                id="mutoscope.E002",
            )
        )
    if "localhost" in environment.mail_from:
        found.append(
            Error(
                f"MUTOSCOPE_MAIL_FROM is {environment.mail_from}, which no mail server accepts.",
                hint="Set it to an address of your domain: Films <no-reply@films.example.org>",
                id="mutoscope.E003",
            )
        )
    if environment.is_https and environment.trusted_proxies == 0:
        found.append(
            Error(
                "MUTOSCOPE_TRUSTED_PROXIES is 0, but the site is https and this server speaks http: a proxy stands in "
                "front, and without trusting it every visitor has the proxy's address and every request is redirected.",
                hint="Set it to the number of reverse proxies of yours, usually 1.",
                id="mutoscope.E004",
            )
        )
    if not environment.rpc_urls:
        found.append(
            Warning(
                "MUTOSCOPE_RPC_URLS is not set: the site takes no payments.",
                hint="Set it to the https:// addresses of two Solana nodes of different owners.",
                id="mutoscope.W002",
            )
        )
    elif not (environment.rates_fixed or environment.rates_file or environment.rates_url):
        found.append(
            Warning(
                "No exchange rate is known, so nothing can be bought.",
                hint="Set MUTOSCOPE_RATES_FIXED=USDC=1, MUTOSCOPE_RATES_FILE with MUTOSCOPE_RATES_KEY, or MUTOSCOPE_RATES_URL.",
                id="mutoscope.W003",
            )
        )
    if environment.rates_file and not environment.rates_key:
        found.append(
            Error(
                "MUTOSCOPE_RATES_FILE is set without MUTOSCOPE_RATES_KEY: whoever can write the file could set the price.",
                hint="Set MUTOSCOPE_RATES_KEY to the public key that the file is signed with.",
                id="mutoscope.E005",
            )
        )
    if environment.rates_url and not environment.rates_url.get_secret_value().startswith("https://"):
        found.append(
            Error(
                "MUTOSCOPE_RATES_URL is not https: whoever can change an answer on its way could set the price.",
                hint="Use an https:// address.",
                id="mutoscope.E006",
            )
        )
    if environment.host in ANYWHERE:
        found.append(
            Warning(
                f"MUTOSCOPE_HOST is {environment.host}: the server can be reached past the proxy, from any network.",
                hint="Listen on 127.0.0.1 where the proxy runs on this machine, else on a private address.",
                id="mutoscope.W001",
            )
        )
    return found


def _is_local(host: str) -> bool:
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False

"""Telling programs from people, as far as programs say what they are."""

from __future__ import annotations

import re

# What robots call themselves, and the libraries and browsers without a screen that others send. Cubot makes telephones.
_PROGRAMS = re.compile(
    r"(?<!cu)bot\b|bot[/;-]|crawl|spider|slurp|archiver|fetcher|scraper|preview|monitor|headless|phantom|lighthouse"
    r"|facebookexternalhit|embedly|curl/|wget/|python|httpx|okhttp|java/|go-http|libwww|axios|node-fetch",
    re.IGNORECASE,
)


def is_program(user_agent: str) -> bool:
    """Whether this is a crawler, a link preview or a script by its own word. Whoever says nothing is no browser either."""
    return not user_agent or _PROGRAMS.search(user_agent) is not None

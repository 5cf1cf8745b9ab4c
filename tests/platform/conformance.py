"""Whether an API answers as its schema says, asked by schemathesis through the whole site."""

from __future__ import annotations

from typing import Any

from django.core.signals import request_finished, request_started
from django.db import close_old_connections
from django.test import Client
from schemathesis import Case
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from mutoscope.platform.accounts.public import Person
from mutoscope.web.wsgi import application

CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]


def check_answer(case: Case[Any], person: Person) -> None:
    """Ask as this person, signed in."""
    client = Client()
    client.force_login(person)
    # A token of the form that Django takes, in the cookie and beside it.
    token = "a" * 32
    cookies = {"session": client.cookies["session"].value, "csrf": token}
    # As Django's own test client does: the end of a request must not end this test's transaction.
    for signal in (request_started, request_finished):
        signal.disconnect(close_old_connections)
    try:
        case.call_and_validate(app=application, headers={"X-CSRFToken": token}, cookies=cookies, checks=CHECKS)
    finally:
        for signal in (request_started, request_finished):
            signal.connect(close_old_connections)

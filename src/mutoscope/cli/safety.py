"""Django's system checks before anything is served."""

from __future__ import annotations

import io

from django.core.management import call_command

from mutoscope.web.environment import Environment


def refuse_unsafe_settings(environment: Environment) -> None:
    """Raises SystemCheckError, whose message has each finding with its id and hint. Needs Django to be set up."""
    call_command("check", deploy=environment.is_production, stdout=io.StringIO())

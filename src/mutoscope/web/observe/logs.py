"""Structured logs: one event a line, JSON for machines or coloured for people, with secrets taken out of both."""

from __future__ import annotations

from typing import Any

import structlog

from mutoscope.web.environment import Environment, LogFormat
from mutoscope.web.observe.redaction import redact

# What Django refuses, as it should, and would log with a traceback. The request's own line has its status.
WEATHER = ("DisallowedHost", "TooManyFieldsSent", "TooManyFilesSent", "RequestDataTooBig")


def configure(environment: Environment) -> dict[str, Any]:
    """Set structlog up, and return Django's LOGGING, so that both write the same lines."""
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_logger_name,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.stdlib.PositionalArgumentsFormatter(),
        structlog.processors.StackInfoRenderer(),
        structlog.processors.UnicodeDecoder(),
    ]
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *shared,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
    chosen = environment.log_format or (LogFormat.JSON if environment.is_production else LogFormat.CONSOLE)
    # Tracebacks become text before redaction looks at them: a message can carry a password as well as a field can.
    rendering: list[structlog.typing.Processor] = [
        structlog.stdlib.ProcessorFormatter.remove_processors_meta,
        structlog.processors.format_exc_info,
        redact,
        structlog.processors.JSONRenderer()
        if chosen is LogFormat.JSON
        else structlog.dev.ConsoleRenderer(colors=False),
    ]
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {
            "structured": {
                "()": structlog.stdlib.ProcessorFormatter,
                "foreign_pre_chain": [*shared, structlog.stdlib.ExtraAdder(), _drop_request],
                "processors": rendering,
            }
        },
        "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "structured"}},
        "root": {"handlers": ["stderr"], "level": environment.log_level},
        "loggers": {
            # Our own line for each request says more.
            "django.request": {"level": "ERROR"},
            "django.server": {"level": "ERROR"},
            # Strangers knocking at a wrong host name, or with forms beyond all bounds, are weather, not errors.
            **{f"django.security.{name}": {"level": "CRITICAL"} for name in WEATHER},
        },
    }


def _drop_request(_logger: object, _method: str, event: structlog.typing.EventDict) -> structlog.typing.EventDict:
    # Django attaches the request itself, whose repr would show its whole query string.
    event.pop("request", None)
    return event

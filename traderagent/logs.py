"""Structured logs: every line carries the bot and order it belongs to, and never a secret."""

from __future__ import annotations

import re
from collections.abc import MutableMapping
from typing import Any

import structlog

REDACTED = "***"
_SECRET_NAME = re.compile(r"secret|password|passphrase|api_?key|token|authorization|signature|cookie|x-bapi-sign", re.I)
# name=value, name: value and "name": "value" inside free text, as libraries write them into messages.
_SECRET_IN_TEXT = re.compile(
    r"(?P<name>[\w-]*(?:secret|password|passphrase|api_?-?key|token|signature|x-bapi-sign)[\w-]*)"
    r"(?P<glue>[\"']?\s*[=:]\s*[\"']?)(?P<value>[^\s\"',;&}]+)",
    re.I,
)
_BEARER = re.compile(r"(Bearer\s+)[\w.~+/=-]+", re.I)
_CREDENTIALS_IN_URL = re.compile(r"(\w+://[^:/@\s]*:)[^@/\s]+@")

LogEvent = MutableMapping[str, Any]


def redact_text(text: str) -> str:
    """``text`` with the values of everything that is named like a secret replaced."""
    text = _BEARER.sub(rf"\g<1>{REDACTED}", text)
    text = _CREDENTIALS_IN_URL.sub(rf"\g<1>{REDACTED}@", text)
    return _SECRET_IN_TEXT.sub(rf"\g<name>\g<glue>{REDACTED}", text)


def redact(_logger: Any, _method: str, event: LogEvent) -> LogEvent:
    """structlog processor: secrets by key name, and inside the text of every value."""
    for key, value in event.items():
        if _SECRET_NAME.search(key):
            event[key] = REDACTED
        elif isinstance(value, str):
            event[key] = redact_text(value)
    return event


def _render_arguments(_logger: Any, _method: str, event: LogEvent) -> LogEvent:
    """An exception's text is formatted before redaction so that it is covered too."""
    return structlog.processors.format_exc_info(_logger, _method, event)


def logging_config(*, level: str, json: bool) -> dict[str, Any]:
    """A ``dictConfig`` that renders standard-library and structlog records alike, to standard output."""
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _render_arguments,
        redact,
    ]
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *shared[:-2],
            structlog.stdlib.PositionalArgumentsFormatter(),
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    renderer = structlog.processors.JSONRenderer() if json else structlog.dev.ConsoleRenderer(colors=False)
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {
            "structured": {
                "()": structlog.stdlib.ProcessorFormatter,
                "processors": [
                    structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                    _render_arguments,
                    redact,
                    renderer,
                ],
                "foreign_pre_chain": shared[:-2],
            },
        },
        "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "structured"}},
        "root": {"handlers": ["console"], "level": level},
        "loggers": {
            "ccxt": {"level": "WARNING"},
            "celery": {"level": "WARNING"},
            "celery.app.trace": {"level": "ERROR"},
            "daphne": {"level": "WARNING"},
            "django.channels.server": {"level": "WARNING"},
            "urllib3": {"level": "INFO"},
        },
    }

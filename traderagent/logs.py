"""Structured logs: every line carries the bot and order it belongs to, and never a secret."""

from __future__ import annotations

import re
from collections.abc import Mapping, MutableMapping
from datetime import date
from decimal import Decimal
from typing import Any

import structlog

REDACTED = "***"
_NAMES = (
    r"(?:secret|password|passphrase|(?:api|encryption|private)[_-]?key|token|authorization|signature|cookie|sessionid"
    r"|bapi-sign)"
)
_SECRET_NAME = re.compile(_NAMES, re.I)
# name=value, name: value and "name": "value" inside free text, as libraries write them into messages; also where such
# text is itself quoted inside of JSON (\"name\": \"value\").
_SECRET_IN_TEXT = re.compile(
    rf"(?<![\w-])(?P<name>[\w-]*{_NAMES}[\w-]*)"
    r"(?P<glue>\\*[\"']?\s*[=:]\s*)"
    r"(?:(?P<quote>[\"'])(?:\\.|(?!(?P=quote)).)*(?P=quote)?"
    r"|(?P<escaped>\\+[\"'])(?:(?!(?P=escaped)).)*(?P=escaped)?"
    r"|(?:(?:Bearer|Basic|Digest)\s+)?[^\s\"',;&)}\]]+)",
    re.I | re.S,
)
_BEARER = re.compile(r"(Bearer\s+)[\w.~+/=-]+", re.I)
_CREDENTIALS_IN_URL = re.compile(r"(\w+://[^:/@\s]*:)[^/\s]+@")

LogEvent = MutableMapping[str, Any]


def redact_text(text: str) -> str:
    """``text`` with the values of everything that is named like a secret replaced."""
    text = _CREDENTIALS_IN_URL.sub(rf"\g<1>{REDACTED}@", text)
    text = _SECRET_IN_TEXT.sub(_without_value, text)
    return _BEARER.sub(rf"\g<1>{REDACTED}", text)


def _without_value(match: re.Match[str]) -> str:
    quote = match["quote"] or match["escaped"] or ""
    return f"{match['name']}{match['glue']}{quote}{REDACTED}{quote}"


def redact_value(value: Any) -> Any:
    """``value`` ready to be written: secrets out of mappings, sequences, text, and what objects say of themselves."""
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, str):
        return redact_text(value)
    if isinstance(value, bytes):
        return redact_text(value.decode("utf-8", "backslashreplace"))
    if isinstance(value, Mapping):
        return {
            str(key): REDACTED if _SECRET_NAME.search(str(key)) else redact_value(item) for key, item in value.items()
        }
    if isinstance(value, list | tuple | set | frozenset):
        return [redact_value(item) for item in value]
    if isinstance(value, Decimal | date):
        return str(value)
    return redact_text(repr(value))


def redact(_logger: Any, _method: str, event: LogEvent) -> LogEvent:
    """structlog processor: secrets by key name, and inside of every value."""
    for key, value in event.items():
        event[key] = REDACTED if _SECRET_NAME.search(key) else redact_value(value)
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

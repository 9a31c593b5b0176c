"""Logs: one shape for our own lines and the libraries', with the ids they belong to and without any secret."""

from __future__ import annotations

import io
import json
import logging
import logging.config
from collections.abc import Iterator
from typing import Any

import pytest
import structlog

from traderagent.logs import REDACTED, logging_config, redact_text

SECRET = "Sup3rS3cret"


class Lines:
    """What was written to the console."""

    def __init__(self, stream: io.StringIO) -> None:
        self._stream = stream

    @property
    def text(self) -> str:
        return self._stream.getvalue()

    @property
    def parsed(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.text.splitlines()]


@pytest.fixture(params=["json", "console"])
def lines(request: pytest.FixtureRequest) -> Iterator[Lines]:
    """Real configuration, real handler; only the stream is ours."""
    yield from _configured(request.param)


@pytest.fixture
def json_lines() -> Iterator[Lines]:
    yield from _configured("json")


def _configured(shape: str) -> Iterator[Lines]:
    stream = io.StringIO()
    root = logging.getLogger()
    before, level = root.handlers[:], root.level
    config = logging_config(level="INFO", json=shape == "json")
    config["handlers"]["console"]["stream"] = stream
    logging.config.dictConfig(config)
    structlog.contextvars.clear_contextvars()
    yield Lines(stream)
    structlog.contextvars.clear_contextvars()
    root.handlers[:] = before
    root.setLevel(level)


def ours() -> Any:
    return structlog.get_logger("bots.tests")


def theirs() -> logging.Logger:
    return logging.getLogger("library.tests")


@pytest.mark.parametrize(
    "name",
    [
        "secret",
        "api_secret",
        "api_key",
        "apiKey",
        "password",
        "passphrase",
        "token",
        "access_token",
        "Authorization",
        "X-BAPI-SIGN",
        "X-BAPI-API-KEY",
        "signature",
        "cookie",
        "SECRET_KEY",
        "FIELD_ENCRYPTION_KEY",
        "DATABASE_URL_PASSWORD",
    ],
)
def test_a_value_that_is_named_like_a_secret_is_not_written(lines: Lines, name: str) -> None:
    ours().info("connected", **{name: SECRET})
    assert SECRET not in lines.text
    assert REDACTED in lines.text
    assert name in lines.text


def test_secrets_are_found_inside_of_what_is_logged(lines: Lines) -> None:
    ours().info(
        "request",
        headers={"X-BAPI-API-KEY": SECRET, "Accept": "json"},
        accounts=[{"name": "main", "secret": SECRET}],
        pair=("api_secret", {"password": SECRET}),
    )
    assert SECRET not in lines.text
    assert "json" in lines.text
    assert "main" in lines.text


def test_bytes_and_objects_are_written_without_their_secrets(lines: Lines) -> None:
    class Client:
        def __repr__(self) -> str:
            return f"Client(apiKey='{SECRET}')"

    ours().info("made", client=Client(), body=f'{{"api_key": "{SECRET}"}}'.encode())
    assert SECRET not in lines.text
    assert "Client(" in lines.text


@pytest.mark.parametrize(
    ("written", "kept"),
    [
        (f"GET /v5/order?api_key={SECRET}&symbol=ETHUSDT", "symbol=ETHUSDT"),
        (f'{{"secret": "{SECRET}", "symbol": "ETHUSDT"}}', "ETHUSDT"),
        (f"{{'apiKey': '{SECRET}', 'symbol': 'ETHUSDT'}}", "ETHUSDT"),
        (f"password: {SECRET}", "password"),
        (f"Authorization: Bearer {SECRET}.abc-_~+/=", "Authorization"),
        (f"sent Bearer {SECRET}.abc-_~+/= to it", "to it"),
        (f'{{"body": "{{\\"api_key\\": \\"{SECRET}\\", \\"symbol\\": \\"ETHUSDT\\"}}"}}', "ETHUSDT"),
        (f'"secret": "a\\"{SECRET}", "symbol": "ETHUSDT"', "ETHUSDT"),
        (f"Authorization: Basic {SECRET}==", "Authorization"),
        (f"X-BAPI-SIGN: {SECRET}", "X-BAPI-SIGN"),
        (f"postgresql://trader:{SECRET}@db:5432/trader", "@db:5432/trader"),
        (f"redis://:{SECRET}@cache:6379/0", "@cache:6379/0"),
        (f"amqp://user:p@{SECRET}@host/vhost", "@host/vhost"),
        (f'{{"passphrase": "two words {SECRET}", "symbol": "ETHUSDT"}}', "ETHUSDT"),
        (f"FIELD_ENCRYPTION_KEY={SECRET}", "FIELD_ENCRYPTION_KEY"),
        (f"sessionid={SECRET}; csrftoken={SECRET}", "sessionid"),
    ],
)
def test_text_is_cleaned_and_stays_readable(written: str, kept: str) -> None:
    cleaned = redact_text(written)
    assert SECRET not in cleaned
    assert kept in cleaned
    assert REDACTED in cleaned


@pytest.mark.parametrize(
    "harmless",
    [
        "Order taabc123 of ETH/USDT:USDT filled 0.5 at 1900.10",
        "line 12: bots.eth-grid.config.lower: upper must be above lower",
        "http://127.0.0.1:8000/bots/eth-grid/",
        "keyboard: qwerty, monkey=3",
        "12:30:01 at 100@200",
    ],
)
def test_what_is_no_secret_is_left_as_it_is(harmless: str) -> None:
    assert redact_text(harmless) == harmless


def test_an_exception_is_written_with_its_trace_and_without_its_secret(lines: Lines) -> None:
    def connect() -> None:
        raise ConnectionError(f"GET https://x/?api_key={SECRET} refused")

    for logger in (ours(), theirs()):
        try:
            connect()
        except ConnectionError:
            logger.exception("it failed")
    assert SECRET not in lines.text
    assert lines.text.count("in connect") == 2
    assert lines.text.count("refused") >= 2


def test_the_cause_of_an_exception_is_cleaned_too(lines: Lines) -> None:
    try:
        try:
            raise ValueError(f"password={SECRET}")
        except ValueError as error:
            raise RuntimeError("outer") from error
    except RuntimeError:
        ours().exception("it failed")
    assert SECRET not in lines.text
    assert "outer" in lines.text


def test_arguments_of_library_messages_are_cleaned(lines: Lines) -> None:
    theirs().warning("sent %s to %s", f"api_secret={SECRET}", "bybit")
    theirs().warning("headers %(authorization)s", {"authorization": f"Bearer {SECRET}"})
    theirs().warning("extra", extra={"token": SECRET})
    assert SECRET not in lines.text
    assert "bybit" in lines.text


def test_json_lines_carry_level_logger_time_and_ids(json_lines: Lines) -> None:
    structlog.contextvars.bind_contextvars(bot="eth-grid", order="taabc")
    ours().info("order placed", price="1900.10")
    theirs().warning("slow answer")
    own, foreign = json_lines.parsed
    assert own["event"] == "order placed"
    assert (own["bot"], own["order"], own["price"]) == ("eth-grid", "taabc", "1900.10")
    assert (own["level"], own["logger"]) == ("info", "bots.tests")
    assert own["timestamp"].endswith("Z")
    assert (foreign["event"], foreign["bot"], foreign["level"]) == ("slow answer", "eth-grid", "warning")


def test_every_json_line_is_one_line(json_lines: Lines) -> None:
    try:
        raise ValueError("two\nlines")
    except ValueError:
        ours().exception("failed\nbadly")
    assert len(json_lines.text.splitlines()) == 1
    assert json_lines.parsed[0]["event"] == "failed\nbadly"


def test_a_logger_that_was_used_before_the_configuration_is_cleaned_too(json_lines: Lines) -> None:
    """Modules make their loggers at import."""
    from bots.events import log

    log.warning("late", api_key=SECRET)
    assert SECRET not in json_lines.text
    assert json_lines.parsed[0]["logger"] == "bots.events"


def test_what_is_below_the_level_is_not_written(lines: Lines) -> None:
    ours().debug("too much detail")
    assert lines.text == ""

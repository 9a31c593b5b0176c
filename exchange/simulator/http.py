"""Requests in, Bybit's envelopes out.

Handlers are plain functions of an :class:`Asked`; one registrar wraps them, so that authentication, refusals and the
envelope are in one place.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import orjson
from aiohttp import web

from exchange.simulator.accounts import Account
from exchange.simulator.auth import authenticate
from exchange.simulator.engine import Engine
from exchange.simulator.errors import Refusal
from exchange.simulator.instruments import EMPTY_CATEGORIES

ENGINE: web.AppKey[Engine] = web.AppKey("engine", Engine)

_HEAD = b'{"retCode":0,"retMsg":"OK","result":'
_TAIL = b',"retExtInfo":{},"time":%d}'


@dataclass(frozen=True, slots=True)
class Asked:
    """One request: ``values`` are the query's or the body's fields. ``account`` is set where a signature is asked."""

    engine: Engine
    values: dict[str, Any]
    account: Account

    def text(self, name: str) -> str:
        value = self.values.get(name)
        return "" if value is None else str(value)

    def number(self, name: str) -> int | None:
        """A whole number or ``None``. 10001 when it is something else."""
        written = self.text(name)
        if not written:
            return None
        if not written.isdigit():
            raise Refusal(10001, f"params error: {name} [{written}] must be a whole number")
        return int(written)


NOBODY = Account("", "")
Handler = Callable[[Asked], Any]


def envelope(result: Any, now: int) -> bytes:
    """``now`` is the server's time in ms."""
    return _HEAD + orjson.dumps(result) + _TAIL % now


def refusal(error: Refusal, now: int) -> bytes:
    return orjson.dumps({"retCode": error.code, "retMsg": error.message, "result": {}, "retExtInfo": {}, "time": now})


def answer(body: bytes, status: int = 200, headers: Mapping[str, str] | None = None) -> web.Response:
    return web.Response(body=body, status=status, content_type="application/json", headers=headers)


def joined(items: list[bytes]) -> orjson.Fragment:
    """A JSON list of entries that are JSON already."""
    return orjson.Fragment(b"[" + b",".join(items) + b"]")


def holding_nothing(handler: Handler) -> Handler:
    """Answers with an empty page for the categories that hold nothing; ccxt asks about them on the way."""

    def handle(asked: Asked) -> Any:
        category = asked.text("category")
        if category in EMPTY_CATEGORIES:
            return {"category": category, "list": [], "nextPageCursor": ""}
        return handler(asked)

    return handle


def public(handler: Handler) -> Callable[[web.Request], Any]:
    async def serve(request: web.Request) -> web.Response:
        engine = request.app[ENGINE]
        return _serve(engine, lambda: handler(Asked(engine, dict(request.query), NOBODY)))

    return serve


def private_get(handler: Handler) -> Callable[[web.Request], Any]:
    async def serve(request: web.Request) -> web.Response:
        engine = request.app[ENGINE]
        # The signature is over the query as it was sent, before anybody decoded it.
        payload = request.raw_path.partition("?")[2]

        def handle() -> Any:
            account = authenticate(engine.accounts, request.headers, payload, engine.server_ms())
            return handler(Asked(engine, dict(request.query), account))

        return _serve(engine, handle)

    return serve


def private_post(handler: Handler) -> Callable[[web.Request], Any]:
    async def serve(request: web.Request) -> web.Response:
        engine = request.app[ENGINE]
        body = await request.read()

        def handle() -> Any:
            payload = body.decode(errors="replace")
            account = authenticate(engine.accounts, request.headers, payload, engine.server_ms())
            return handler(Asked(engine, parse_body(body), account))

        return _serve(engine, handle)

    return serve


def _serve(engine: Engine, handle: Callable[[], Any]) -> web.Response:
    try:
        return answer(envelope(handle(), engine.server_ms()))
    except Refusal as error:
        return answer(refusal(error, engine.server_ms()))


def parse_body(body: bytes) -> dict[str, Any]:
    try:
        parsed = orjson.loads(body) if body else {}
    except orjson.JSONDecodeError as error:
        raise Refusal(10001, f"request body is no JSON: {error}") from error
    if not isinstance(parsed, dict):
        raise Refusal(10001, "request body must be a JSON object")
    return parsed

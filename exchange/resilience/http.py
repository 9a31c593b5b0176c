"""Puts the guard where ccxt hands a request to the network, so that each page of an answer counts for itself."""

from __future__ import annotations

import asyncio
from contextvars import ContextVar
from typing import Any

from exchange.resilience.answers import Answer
from exchange.resilience.guard import Guard

_LOOKED_AT = 400
# A client of ccxt.pro has many requests under way; each runs in a context of its own.
_heard: ContextVar[list[Answer] | None] = ContextVar("heard", default=None)


def guard_client(client: Any, guard: Guard) -> None:
    """From now on ``client`` (of ccxt or of ccxt.pro) sends only what ``guard`` admits."""
    client.guard = guard
    _listen(client)
    wrap = _guarded_async if asyncio.iscoroutinefunction(client.fetch) else _guarded
    client.fetch = wrap(client.fetch, guard)


def _listen(client: Any) -> None:
    """ccxt keeps an answer's headers but not its status, which it shows to this hook."""
    inner = client.on_rest_response

    def on_rest_response(
        code: int, reason: str, url: str, method: str, response_headers: Any, response_body: str, *rest: Any
    ) -> Any:
        heard = _heard.get()
        if heard is not None:
            heard.append(Answer(code, response_headers, response_body if code >= _LOOKED_AT else ""))
        return inner(code, reason, url, method, response_headers, response_body, *rest)

    client.on_rest_response = on_rest_response


def _guarded(inner: Any, guard: Guard) -> Any:
    def fetch(url: str, method: str = "GET", headers: Any = None, body: Any = None) -> Any:
        ticket = guard.admit(method, url, body)
        heard: list[Answer] = []
        token = _heard.set(heard)
        try:
            answer = inner(url, method, headers, body)
        except Exception as error:
            guard.settle(ticket, heard[-1] if heard else None, error)
            raise
        finally:
            _heard.reset(token)
        guard.settle(ticket, heard[-1] if heard else None, None)
        return answer

    return fetch


def _guarded_async(inner: Any, guard: Guard) -> Any:
    """The guard waits for Redis on a thread: the loop serves other symbols meanwhile."""

    async def fetch(url: str, method: str = "GET", headers: Any = None, body: Any = None) -> Any:
        ticket = await asyncio.to_thread(guard.admit, method, url, body)
        heard: list[Answer] = []
        token = _heard.set(heard)
        try:
            answer = await inner(url, method, headers, body)
        except Exception as error:
            await asyncio.to_thread(guard.settle, ticket, heard[-1] if heard else None, error)
            raise
        finally:
            _heard.reset(token)
        await asyncio.to_thread(guard.settle, ticket, heard[-1] if heard else None, None)
        return answer

    return fetch

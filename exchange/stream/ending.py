"""Ending what may not want to end: tasks whose cancellation a library swallows, connections whose peer is gone."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Any

import ccxt
import structlog

log = structlog.get_logger(__name__)

CLOSING_S = 2.0
SWALLOWED_AFTER_S = 3.0  # longer than closing takes


async def closed(client: Any) -> None:
    """A peer that does not answer is not waited for long: its farewell is a courtesy."""
    connector = client.tcp_connector
    with suppress(ccxt.BaseError, OSError, TimeoutError):
        async with asyncio.timeout(CLOSING_S):
            await client.close()
    if connector is not None:
        await connector.close()


async def cancelled(tasks: list[asyncio.Task[Any]]) -> None:
    """Returns when all have ended. Those that do not are told again: a library may have swallowed it."""
    pending = set(tasks)
    while pending:
        for task in pending:
            task.cancel()
        ended, pending = await asyncio.wait(pending, timeout=SWALLOWED_AFTER_S)
        for task in ended:
            if not task.cancelled() and (error := task.exception()) is not None:
                log.error("price stream task broke", error=repr(error))


async def wait_for(event: asyncio.Event, seconds: float) -> None:
    """Until the event is set, or the time is over."""
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await event.wait()

"""Hints to browsers and API sockets: something changed, here is what.

Workers are synchronous and many-threaded while the channel layer is asynchronous and keeps a connection per event
loop, so each process runs one loop in one daemon thread for all its hints. A hint that cannot be delivered is dropped
with a log line: pages ask again on reconnect, and nothing that matters travels by hint alone.
"""

from __future__ import annotations

import asyncio
import os
import threading
from concurrent.futures import Future
from typing import Any

import structlog
from channels.layers import get_channel_layer
from django.db import transaction

log = structlog.get_logger(__name__)

_guard = threading.Lock()
_loop: asyncio.AbstractEventLoop | None = None
_loop_pid = 0


def publish(kind: str, *, bot: str | None = None, data: dict[str, Any] | None = None, only_bot: bool = False) -> None:
    """Sends once the present transaction has committed (at once outside of one).

    ``only_bot`` keeps what happens every second off the group that all pages listen to.
    """
    message = {"type": "hint", "payload": {"kind": kind, "bot": bot, "data": data or {}}}
    groups = ([] if only_bot else ["events"]) + ([f"bot.{bot}"] if bot else [])
    transaction.on_commit(lambda: _send(groups, message))


def _send(groups: list[str], message: dict[str, Any]) -> None:
    layer = get_channel_layer()
    if layer is None:
        return

    async def deliver() -> None:
        for group in groups:
            await layer.group_send(group, message)

    asyncio.run_coroutine_threadsafe(deliver(), _running_loop()).add_done_callback(_report)


def _report(done: Future[None]) -> None:
    error = done.exception()
    if error is not None:
        log.warning("hint not delivered", error=str(error))


def _running_loop() -> asyncio.AbstractEventLoop:
    """This process's loop; a forked worker needs one of its own."""
    global _loop, _loop_pid
    with _guard:
        if _loop is None or _loop_pid != os.getpid():
            _loop, _loop_pid = asyncio.new_event_loop(), os.getpid()
            threading.Thread(target=_loop.run_forever, name="hints", daemon=True).start()
        return _loop

"""The tick of a stepped market, for a worker: at a time that is given, and told when it is over."""

from __future__ import annotations

import time
from typing import Any

from celery import shared_task

from exchange.prices import redis_client
from traderagent.parity.errors import ParityError
from traderagent.parity.live import tick_here

# Redis list that the outcome of a tick is pushed to.
ANSWERS = "parity:ticked:{bot_id}"
_TIMEOUT_S = 120
_ASK_S = 2  # less than the client's own patience


@shared_task(name="parity.tick", ignore_result=True, queue="ticks")
def stepped_tick(bot_id: int, now_ms: int) -> None:
    outcome = tick_here(bot_id, now_ms)
    redis_client().rpush(ANSWERS.format(bot_id=bot_id), outcome)


def tick_by_worker(bot_id: int, now_ms: int) -> str:
    """Enqueues the tick and waits for its outcome. Raises :class:`ParityError` when no worker takes it."""
    stepped_tick.delay(bot_id, now_ms)
    end = time.monotonic() + _TIMEOUT_S
    while time.monotonic() < end:
        answer: Any = redis_client().blpop([ANSWERS.format(bot_id=bot_id)], timeout=_ASK_S)
        if answer is not None:
            return str(answer[1])
    raise ParityError(f"No worker ticked within {_TIMEOUT_S} s.")

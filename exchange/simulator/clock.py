"""What makes the market move: the wall clock at some speed, or whoever steps it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from enum import StrEnum

from exchange.simulator.replay import Replay

# After a pause (a suspended laptop, a debugger) the market goes on from where it stood instead of rushing after.
MAX_LAG_S = 2.0


class ClockKind(StrEnum):
    REAL = "real"
    ACCELERATED = "accelerated"
    STEPPED = "stepped"


async def run(
    replay: Replay,
    speed: float,
    advance: Callable[[int], None],
    *,
    monotonic: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
) -> None:
    """Moves the market on for ever: ``speed`` seconds of its time in one second of the wall's."""
    anchor_wall, anchor_time = monotonic(), replay.time
    while True:
        due = anchor_wall + (replay.time_of(replay.point + 1) - anchor_time) / 1000 / speed
        delay = due - monotonic()
        if delay > 0:
            await sleep(delay)
        elif delay < -MAX_LAG_S:
            anchor_wall, anchor_time = monotonic(), replay.time
            continue
        now = anchor_time + (monotonic() - anchor_wall) * 1000 * speed
        points = 1
        while replay.time_of(replay.point + points + 1) <= now and points < 1000:
            points += 1
        advance(points)
        await sleep(0)

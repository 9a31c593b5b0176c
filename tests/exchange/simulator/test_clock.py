"""The moving clock, on a wall clock that the test turns."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest

from exchange.simulator import clock
from exchange.simulator.replay import Replay, series_from_candles
from tests.exchange.candles.making import MINUTE, START, flat

MINUTES = 10


class Enough(Exception):
    """Raised by the test to end a clock that would run for ever."""


@dataclass
class Wall:
    """Time passes by sleeping, by ``drag`` at each advance, and by ``pauses`` (at point → seconds)."""

    replay: Replay
    drag: float = 0.0
    pauses: dict[int, float] = field(default_factory=dict)
    now: float = 1000.0
    seen: list[tuple[float, int]] = field(default_factory=list)

    def monotonic(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.now += seconds

    def advance(self, points: int) -> None:
        for _ in range(points):
            self.replay.point += 1
            self.now += self.pauses.pop(self.replay.point, 0.0)
        self.now += self.drag
        self.seen.append((self.now - 1000.0, self.replay.time - START))
        if self.replay.point >= MINUTES * 4:
            raise Enough


@pytest.fixture
def replay() -> Replay:
    return Replay([series_from_candles("ETHUSDT", flat(100), MINUTE)])


async def run(wall: Wall, speed: float) -> None:
    with pytest.raises(Enough):
        await clock.run(wall.replay, speed, wall.advance, monotonic=wall.monotonic, sleep=wall.sleep)


@pytest.mark.parametrize("speed", [1.0, 60.0, 1000.0])
async def test_every_point_comes_when_its_time_has_come(replay: Replay, speed: float) -> None:
    wall = Wall(replay)
    await run(wall, speed)
    assert len(wall.seen) >= MINUTES * 2
    for elapsed, market in wall.seen:
        assert elapsed == pytest.approx(market / 1000 / speed, abs=0.002)


async def test_a_slow_machine_takes_several_points_at_once_and_does_not_fall_behind(replay: Replay) -> None:
    """At 600× a point comes every 33 ms on average; an advance that takes 150 ms has to take four and a half."""
    wall = Wall(replay, drag=0.15)
    await run(wall, 600.0)
    assert len(wall.seen) < MINUTES * 4 / 3
    elapsed, market = wall.seen[-1]
    assert elapsed == pytest.approx(market / 1000 / 600, abs=0.35)


async def test_after_a_pause_the_market_goes_on_instead_of_rushing_after(replay: Replay) -> None:
    """An hour asleep at 60× would be sixty hours of the market."""
    wall = Wall(replay, pauses={8: 3600.0})
    await run(wall, 60.0)
    slept = [market for elapsed, market in wall.seen if elapsed > 3600.0]
    assert slept[1] - slept[0] <= MINUTE
    elapsed, market = wall.seen[-1]
    assert elapsed == pytest.approx(3600.0 + market / 1000 / 60, abs=0.1)

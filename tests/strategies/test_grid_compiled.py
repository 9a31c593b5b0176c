"""The grid's step as machine code, and where it says that it rests."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from backtests.points import candles_of, points_of
from exchange.candles.files import read_file
from strategies.contract import MarketSpec, Point
from strategies.grid.codes import ARMED, CLOSING, RUNNING
from strategies.grid.config import GridConfig
from strategies.grid.logic import GridStrategy
from strategies.grid.state import GridState
from strategies.kernel import NEVER_QUIET, QuietRows, Tick
from tests.strategies.grid_bot import GridBot
from tests.strategies.kernel_driver import assert_quiet_is_honest, assert_same_compiled, played, walk
from tests.strategies.markets import LINEAR, MINUTE, SPOT

STRATEGY = GridStrategy()
REAL = "binance_ETHUSDT_linear_1m_202505.parquet"

CASES: dict[str, tuple[MarketSpec, dict[str, Any], tuple[str, ...]]] = {
    "long on spot, profit in base": (SPOT, {"profit_in": "base"}, ("entry", "grid:5")),
    "geometric, trailing both ways with its stop": (
        LINEAR,
        {"spacing": "geometric", "trailing_up": True, "trailing_down": True, "stop_loss_price": 1500},
        ("stop", "grid:0", "grid:19"),
    ),
    "trailing up to a limit": (
        LINEAR,
        {"trailing_up": True, "trailing_up_limit": 2050, "stop_loss_price": 1600, "amount_mode": "base"},
        ("stop", "grid:19"),
    ),
    "short, trailing down, closed at its stop": (
        LINEAR,
        {"direction": "short", "trailing_down": True, "stop_loss_price": 1885, "upper": 1880},
        ("stop", "close"),
    ),
    "neutral, built again around the price": (
        LINEAR,
        {"direction": "neutral", "range_percent": 2, "on_range_left": "recentre", "recentre_after": 600},
        ("entry", "grid:7"),
    ),
    "recentred at once while trailing up": (
        SPOT,
        {"lower": 1840, "upper": 1860, "on_range_left": "recentre", "recentre_after": 0, "trailing_up": True},
        ("entry", "grid:7"),
    ),
    "waits for a trigger, then for profit": (
        LINEAR,
        {"trigger_price": 1835, "take_profit_percent": 2, "stop_loss_percent": 20},
        ("entry", "close"),
    ),
    "loses too much": (LINEAR, {"stop_loss_percent": 1, "direction": "short", "leverage": 3}, ("close",)),
}


def grid(market: MarketSpec, changes: dict[str, Any]) -> tuple[GridConfig, MarketSpec]:
    ranged = {} if "range_percent" in changes else {"lower": 1750, "upper": 1950}
    return GridConfig.model_validate({"grids": 20, "investment": 20_000} | ranged | changes), market


@pytest.mark.parametrize("case", CASES)
def test_compiled_decides_as_python_does(case: str) -> None:
    market, changes, slots = CASES[case]
    config, market = grid(market, changes)
    wanted: dict[str, int] = {}
    for seed in (1, 2):
        points = walk(250, start=1850, stride=8, jump=6, seed=seed)
        seen = list(played(STRATEGY, config, market, points, seed=seed))
        for slot, times in assert_same_compiled(STRATEGY, config, market, seen).items():
            wanted[slot] = wanted.get(slot, 0) + times
    assert set(slots) <= set(wanted), "the walk does not show what it is meant to show"


@pytest.mark.parametrize("case", CASES)
def test_where_it_says_that_it_rests_it_does_nothing(case: str) -> None:
    config, market = grid(*CASES[case][:2])
    points = walk(150, start=1850, stride=8, jump=6, seed=2)
    seen = list(played(STRATEGY, config, market, points, seed=2))
    assert assert_quiet_is_honest(STRATEGY, config, market, seen) > len(seen) / 2


def test_real_candles_with_five_hundred_intervals() -> None:
    folder = os.environ.get("TRADERAGENT_CANDLES")
    if not folder:
        pytest.skip("TRADERAGENT_CANDLES is not set: it names the folder with real candles")
    candles = read_file(Path(folder) / REAL)
    start = int(candles.timestamp[0])
    first = candles_of(candles.between(start, start + 20 * MINUTE))
    points = [Point(timestamp, float(price)) for timestamp, price in points_of(list(first), MINUTE)]
    config, market = grid(LINEAR, {"grids": 500, "investment": 500_000, "trailing_up": True, "stop_loss_price": 1700})
    seen = list(played(STRATEGY, config, market, points))
    wanted = assert_same_compiled(STRATEGY, config, market, seen)
    assert len(wanted) > 500


class TestZone:
    """Lines 100, 110, … 140, started at 115."""

    def zone(self, bot: GridBot, amount: float = 0.0, price: float = 115.0) -> QuietRows:
        tick = Tick(1000, price, 0, amount, price, 0.0, 0.0)
        return STRATEGY.quiet.plain(STRATEGY.parameters(bot.config, bot.market), bot.state, tick)

    def test_it_reaches_from_exit_to_exit(self) -> None:
        bot = GridBot(stop_loss_price=95, take_profit_price=160).started(115)
        assert bot.state.phase == RUNNING
        assert self.zone(bot)[:2] == (95.0, 160.0)

    def test_a_price_at_which_the_loss_is_too_great_ends_it(self) -> None:
        """10 % of 460 is 46: with 2 coins that is 23 below; 20 %, 92, is 46 above."""
        bot = GridBot(stop_loss_percent=10, take_profit_percent=20).started(115)
        low, high, _, _ = self.zone(bot, amount=2.0)
        assert (low, high) == (pytest.approx(92.0), pytest.approx(161.0))
        low, high, _, _ = self.zone(bot, amount=-2.0)
        assert (low, high) == (pytest.approx(69.0), pytest.approx(138.0))
        assert low > 69.0, "the sums of floats have the last word, not the zone"

    def test_a_line_that_the_grid_follows_ends_it_while_it_can_follow(self) -> None:
        bot = GridBot(trailing_up=True, trailing_down=True).started(141)
        assert self.zone(bot)[1] == 150.0
        bot.at(139, bot.filled("grid:0", amount=0.5, done=False))
        assert self.zone(bot)[1] == float("inf"), "the lowest buy is being filled"

    def test_outside_of_it_time_ends_it(self) -> None:
        bot = GridBot(on_range_left="recentre", recentre_after=60).started(115)
        assert self.zone(bot)[:2] == (90.0, 150.0)
        bot.at(151)
        assert self.zone(bot, price=151.0)[:3] == (150.0, float("inf"), bot.clock + 60_000)
        assert self.zone(bot, price=120.0) == NEVER_QUIET

    def test_a_trigger_ends_the_waiting_and_a_fill_the_closing(self) -> None:
        bot = GridBot(trigger_price=120, stop_loss_price=95)
        bot.at(130)
        assert bot.state.phase == ARMED
        assert self.zone(bot)[:2] == (120.0, float("inf"))
        bot.at(115)
        bot.at(115, bot.filled("entry", price=115))
        bot.at(95)
        assert bot.state.phase == CLOSING
        assert self.zone(bot)[:2] == (float("-inf"), float("inf"))


class TestSnapshot:
    def test_one_of_version_1_is_read(self) -> None:
        """Its lists were empty until the grid was built; phases and exits were words then, too."""
        bot = GridBot(trigger_price=120)
        bot.at(130)
        dumped = bot.state.dump()
        assert (dumped["phase"], dumped["finish_code"]) == ("armed", "")
        for name, value in dumped.items():
            if isinstance(value, list):
                dumped[name] = []
        bot.state = GridState.load(dumped)
        bot.at(119)
        assert [order[0] for order in bot.book] == ["buy", "buy"]
        assert bot.state.lines == [100.0, 110.0, 120.0, 130.0, 140.0]

    def test_intervals_keep_their_numbers_and_their_places_follow_from_the_shift(self) -> None:
        bot = GridBot(trailing_up=True, trailing_down=True).started(141)
        for price in (161.0, 191.0, 120.0, 105.0, 60.0):
            bot.at(price, *(bot.filled(order.slot) for order in bot.decision.wanted if order.price and price < 141))
            assert bot.state.slots == [(i + bot.state.shift) % 4 for i in range(4)]
        assert bot.state.shift != 0

"""Compiled, the trend follower decides as its Python does; and where it says that it rests, it rests."""

from __future__ import annotations

import math
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backtests.engine import run
from backtests.features import history_features
from backtests.points import candles_of, points_of
from strategies.checks import Recording
from strategies.contract import MarketSpec
from strategies.kernel import FOREVER, QuietRows, Tick, features_row
from strategies.trend.config import TrendConfig
from strategies.trend.features import COLUMNS, WIDTH
from strategies.trend.logic import TrendStrategy
from strategies.trend.state import FLAT, TrendState
from tests.properties import examples
from tests.strategies.kernel_driver import assert_quiet_is_honest, assert_same_compiled
from tests.strategies.markets import LINEAR, SPOT
from tests.strategies.trend.rough_walk import played, points
from tests.strategies.trend.test_against_oracle import HOURS, config_of, real
from tests.strategies.trend.trend_bot import HOUR_MS, PULLBACK, RALLY, TrendBot

STRATEGY = TrendStrategy()
COARSE_SPOT = replace(SPOT, step=Decimal("0.01"), min_amount=Decimal("0.01"), min_notional=Decimal(20))
FINE = replace(LINEAR, tick=Decimal("0.05"), step=Decimal("0.003"), min_amount=Decimal("0.003"))
FIVE_TARGETS = "0.3333:10, 0.7:20, 1.1:30, 1.7:15, 2.9:5"

WALKS: list[tuple[MarketSpec, dict[str, Any]]] = [
    (LINEAR, {"leverage": 5, "direction": "neutral", "daily_loss": 1}),
    (FINE, {"leverage": 20, "direction": "neutral", "targets": FIVE_TARGETS, "trail_from": "0.1", "loss_pause": 3}),
    (LINEAR, {"investment": 300, "leverage": 3, "direction": "short", "entry_order": "limit", "break_even": None}),
    (SPOT, {"targets": "0.5:50, 1:50", "break_even": "0.1", "max_losses": 1, "loss_pause": 1}),
    (COARSE_SPOT, {"investment": 400, "targets": FIVE_TARGETS, "risk_percent": 10, "daily_loss": None}),
    (COARSE_SPOT, {"targets": "", "trail_from": "0.1", "entry_candles": 1}),
]


def walked(number: int, count: int, seed: int) -> tuple[TrendConfig, MarketSpec, list[Any]]:
    market, changes = WALKS[number]
    config = TrendConfig.model_validate({"investment": 10_000} | changes)
    return config, market, list(played(config, market, points(market, count, seed=seed), seed=seed))


@pytest.mark.parametrize("number", range(len(WALKS)))
def test_compiled_decides_as_python_does_on_a_rough_exchange(number: int) -> None:
    wanted: dict[str, int] = {}
    for seed in (1, 2, 3):
        config, market, steps = walked(number, 250, seed)
        for slot, count in assert_same_compiled(STRATEGY, config, market, steps).items():
            wanted[slot] = wanted.get(slot, 0) + count
    assert {"entry", "stop"} <= set(wanted)
    assert ("target:1" in wanted) == bool(config.targets)
    assert ("target:5" in wanted) == (config.targets == FIVE_TARGETS and market is FINE)


@pytest.mark.parametrize("number", range(len(WALKS)))
def test_nothing_happens_in_a_quiet_zone(number: int) -> None:
    zones = steps_seen = 0
    for seed in (4, 5, 6):
        config, market, steps = walked(number, 250, seed)
        zones += assert_quiet_is_honest(STRATEGY, config, market, steps, seed=seed)
        steps_seen += len(steps)
    assert zones > 0.9 * steps_seen, "it hardly ever rests"


def test_on_real_candles_too() -> None:
    config = config_of("1h", {"leverage": 5})
    candles = real(HOURS, 1600)
    recording = Recording(STRATEGY)
    table = history_features(STRATEGY, config, candles, "1h")
    points_at = points_of(candles_of(candles), HOUR_MS)
    run(recording, config, LINEAR, points_at, quote=Decimal(10_000), features=table)
    steps = recording.steps[4 * 780 :]  # what is before is the warm-up
    wanted = assert_same_compiled(STRATEGY, config, LINEAR, steps)
    assert set(wanted) == {"entry", "stop", "target:1", "target:2"}
    assert assert_quiet_is_honest(STRATEGY, config, LINEAR, steps) > len(steps) / 2


class TestTheZone:
    """Entered at 2000, R is 20. With the defaults: break-even at 2020, trailing from 2030, a stop at 1980."""

    def test_without_a_trade_only_rows_end_it(self) -> None:
        bot = TrendBot()
        bot.at(2000)
        assert zone_of(bot) == (-math.inf, math.inf, FOREVER, True)

    def test_it_is_never_quiet_before_the_first_step_nor_with_a_row_that_was_not_seen(self) -> None:
        bot = TrendBot()
        assert not is_zone(zone_of(bot))
        bot.at(2000)
        bot.closed += HOUR_MS
        bot.row = PULLBACK
        assert not is_zone(zone_of(bot))

    def test_it_reaches_from_the_stop_to_break_even_until_midnight(self) -> None:
        bot = TrendBot().entered()
        low, high, until, rows = zone_of(bot)
        assert (low, rows) == (1980.0, True)
        assert 2019.99 < high <= 2020.0
        midnight = bot.clock // (24 * HOUR_MS) * 24 * HOUR_MS + 24 * HOUR_MS
        assert until == midnight

    def test_then_to_where_it_trails_and_then_on_without_end(self) -> None:
        bot = TrendBot().entered()
        bot.at(2020)
        low, high, _, _ = zone_of(bot)
        assert low == 2002.2
        assert 2029.99 < high <= 2030.0
        bot.at(2030)
        assert zone_of(bot)[:2] == (2002.2, math.inf)

    def test_a_short_is_the_mirror(self) -> None:
        bot = TrendBot(direction="short").entered(RALLY)
        low, high, _, _ = zone_of(bot)
        assert high == 2020.0
        assert 1980.0 <= low < 1980.01

    def test_beyond_the_stop_it_ends_where_the_targets_are_taken_up_again(self) -> None:
        bot = TrendBot().entered()
        bot.at(1979)
        assert zone_of(bot)[:2] == (-math.inf, 1980.0)
        bot.at(1980.01)
        assert zone_of(bot)[0] == 1980.0

    def test_on_spot_targets_are_looked_out_for_and_the_stop_is_the_exchanges(self) -> None:
        """0.2 R is 2004, nearer than break-even at 2000 × 1.002 = 2004.00."""
        bot = TrendBot(COARSE_SPOT, targets="0.2:50", break_even=None).entered()
        assert zone_of(bot)[:2] == (-math.inf, 2004.0)

    def test_a_market_entry_waits_for_its_first_target_only(self) -> None:
        bot = TrendBot(trail_from=None)
        bot.closes(PULLBACK, 2000)
        assert zone_of(bot)[:2] == (-math.inf, 2030.0)


def zone_of(bot: TrendBot) -> QuietRows:
    parameters = STRATEGY.parameters(bot.config, bot.market)
    tick = Tick(bot.clock, 2000.0, bot.closed if bot.row else 0, 0.0, 0.0, 0.0, 0.0)
    return STRATEGY.quiet.plain(parameters, bot.state, tick)


def is_zone(zone: QuietRows) -> bool:
    return zone[0] < zone[1]


ticks = st.sampled_from(["0.01", "0.05", "0.1", "0.0001", "2.5"])
steps_of_amounts = st.sampled_from(["0.001", "0.01", "1", "0.0003"])


@examples(300)
@given(
    tick=ticks,
    step=steps_of_amounts,
    price=st.floats(50, 90_000),
    range_share=st.floats(0.0005, 0.05),
    multiple=st.decimals("0.0001", "30", places=4),
    share=st.decimals("1", "100", places=2),
    is_long=st.booleans(),
)
def test_stop_targets_and_amounts_are_those_of_decimals(
    tick: str, step: str, price: float, range_share: float, multiple: Decimal, share: Decimal, is_long: bool
) -> None:
    """As one would work them out on paper, to the last digit."""
    market = replace(LINEAR, tick=Decimal(tick), step=Decimal(step), min_amount=Decimal(step), min_notional=None)
    bot = TrendBot(market, leverage=5, direction="neutral", targets=f"{multiple}:{share}")
    row = PULLBACK | {"ema_fast": 1999.999} if is_long else RALLY | {"ema_fast": 2000.001}
    bot.closes(row | {"atr": price * range_share}, price)
    state = bot.state
    if state.phase == FLAT:  # too small, or the stop rounds to the entry
        assert "trend.too_small" in bot.codes
        return
    side = 1 if is_long else -1
    at = market.quantise_price(price)
    stop = market.quantise_price(float(at) - side * 2.0 * (price * range_share))
    distance = side * (at - stop)
    assert (state.entry_price, state.stop, state.risk) == (float(at), float(stop), float(distance))
    assert state.target_prices[0] == float(market.quantise_price(at + side * multiple * distance))
    assert state.entry_amount == float(market.quantise_amount(state.entry_amount))
    bot.at(price, bot.filled("entry", price=float(at)))
    held = market.quantise_amount(state.entry_amount)
    due = market.quantise_amount(held * share / 100)
    rest = held - due
    if state.target_prices[0] > 0 and due >= market.min_amount:
        whole = due if rest >= market.min_amount else held
        assert bot.state.target_amounts[0] == float(whole)


def test_a_snapshot_with_room_for_its_own_targets_only_is_read() -> None:
    """As older versions wrote it, which had a place for each target that there was."""
    bot = TrendBot().entered()
    dumped = STRATEGY.dump(bot.state)
    for name, value in dumped.items():
        if name.startswith("target_"):
            dumped[name] = value[:2]
    assert STRATEGY.load(dumped) == bot.state
    fresh = STRATEGY.dump(STRATEGY.initial_state(bot.config, LINEAR)) | {
        name: [] for name in ("target_prices", "target_amounts", "target_filled", "target_open")
    }
    assert STRATEGY.load(fresh) == TrendState()


def test_a_snapshot_speaks_words() -> None:
    dumped = STRATEGY.dump(TrendBot().entered().state)
    assert (dumped["phase"], dumped["market"], dumped["kind"]) == ("holding", "advance +1", "pullback")


def test_a_row_has_the_columns_in_their_order() -> None:
    config = config_of("1h", {})
    candles = real(HOURS, 1000)
    table = history_features(STRATEGY, config, candles, "1h")
    assert table is not None
    assert tuple(table.columns) == COLUMNS == STRATEGY.columns(config)
    assert len(features_row(PULLBACK, COLUMNS)) == WIDTH == len(PULLBACK)

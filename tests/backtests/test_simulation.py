"""The fast loop gives what the loop in exact decimals gives: fill by fill, refusal by refusal, to the last unit."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from backtests import engine, exact_records
from backtests.features import history_features
from backtests.metrics.inputs import Fills
from backtests.metrics.round_trips import groups_of, trades_of
from backtests.points import candles_of, points_of
from backtests.simulation import Options, Simulation, simulate
from exchange.candles.files import Candles
from exchange.port import Candle
from strategies.contract import MarketSpec, Strategy
from strategies.registry import get_strategy
from strategies.state import field_names
from tests.backtests.ema_cross import CrossConfig, CrossStrategy
from tests.properties import examples
from tests.strategies.markets import LINEAR, SPOT, walking_candles

MINUTE = 60_000
MARKETS = {"spot": SPOT, "linear": LINEAR}


def columns(candles: list[Candle]) -> Candles:
    table = np.array([[float(value) for value in candle] for candle in map(tuple_of, candles)])
    return Candles(table[:, 0].astype(np.int64), *np.ascontiguousarray(table[:, 1:].T))


def tuple_of(candle: Candle) -> tuple[Any, ...]:
    return (candle.timestamp, candle.open, candle.high, candle.low, candle.close, candle.volume)


def in_decimals(
    strategy: Strategy[Any, Any], config: Any, market: MarketSpec, candles: Candles, quote: int, options: Options
) -> exact_records.Result[Any]:
    points = points_of(candles_of(candles), MINUTE)
    exact = exact_records.Options(Decimal(str(options.slippage)), options.through, Decimal(str(options.leverage)))
    features = history_features(strategy, config, candles, "1m")
    return engine.run(strategy, config, market, points, quote=Decimal(quote), options=exact, features=features)


def assert_equal(found: Simulation[Any], exact: exact_records.Result[Any], market: MarketSpec) -> None:
    assert [
        (fill.point, found.slots[fill.slot], fill.sequence, fill.side, fill.price, fill.amount, fill.is_maker,
         found.trades[fill.trade])
        for fill in found.fills
    ] == [
        (each.point, each.slot, each.sequence, 1 if each.side.value == "buy" else -1, float(each.price),
         float(each.amount), each.is_maker, each.trade)
        for each in exact.fills
    ]  # fmt: skip
    fees = np.array([float(each.fee) for each in exact.fills])
    np.testing.assert_allclose(found.fills.fee, fees, rtol=1e-12)
    assert [(each.point, each.sequence) for each in found.refused] == [
        (each.point, each.sequence) for each in exact.refused[: len(found.refused)]
    ]
    assert found.quote == pytest.approx(float(exact.quote), rel=1e-11)
    assert found.amount == pytest.approx(float(exact.base), abs=1e-6 * float(market.step))
    np.testing.assert_allclose(found.equity, [float(value) for _, value in exact.equity], rtol=1e-11)
    assert (found.finish is None) == (exact.finish is None)
    # What it has computed of the position's value may differ in the last bits.
    for name in field_names(type(found.state)):
        assert getattr(found.state, name) == pytest.approx(getattr(exact.state, name), rel=1e-9, abs=1e-9), name


GRIDS: dict[str, tuple[str, dict[str, Any], Options]] = {
    "long spot": ("spot", {"direction": "long", "range_percent": 3, "grids": 20}, Options()),
    "through by a tick": ("spot", {"direction": "long", "range_percent": 3, "grids": 20}, Options(through=True)),
    "neutral linear": ("linear", {"direction": "neutral", "range_percent": 2, "grids": 30}, Options()),
    "trails down": (
        "linear",
        {"direction": "short", "range_percent": 1, "grids": 15, "trailing_down": True},
        Options(),
    ),
    "slippage, built anew": (
        "linear",
        {"direction": "long", "range_percent": 1, "grids": 8, "on_range_left": "recentre", "recentre_after": 600},
        Options(slippage=0.0007),
    ),
    "stop loss": ("linear", {"direction": "long", "range_percent": 2, "grids": 12, "stop_loss_percent": 1}, Options()),
    "too little margin": ("linear", {"direction": "neutral", "range_percent": 2, "grids": 30}, Options(leverage=1.0)),
}


@pytest.mark.parametrize("name", GRIDS)
def test_a_grid(name: str) -> None:
    kind, values, options = GRIDS[name]
    strategy, market = get_strategy("grid"), MARKETS[kind]
    config = strategy.Config.model_validate(values | {"investment": 9000})
    candles = columns(walking_candles(1500, seed=len(name)))
    quote = 2000 if name == "too little margin" else 10_000
    exact = in_decimals(strategy, config, market, candles, quote, options)
    fast = simulate(strategy, config, market, candles, "1m", quote=quote, options=options)
    assert len(exact.fills) > 20 or name == "stop loss"
    assert bool(exact.refused) == (name == "too little margin")
    assert_equal(fast, exact, market)


@pytest.mark.parametrize("kind", MARKETS)
def test_market_orders_on_a_cross(kind: str) -> None:
    strategy, config, market = CrossStrategy(), CrossConfig(fast=5, slow=13), MARKETS[kind]
    candles = columns(walking_candles(1500, seed=3))
    exact = in_decimals(strategy, config, market, candles, 10_000, Options())
    assert len(exact.fills) > 20
    found = simulate(strategy, config, market, candles, "1m", quote=10_000)
    assert_equal(found, exact, market)
    # Until the averages are known it is asked at every candle, then only where they cross.
    assert found.steps < warm_up_of(config) + 4 * len(found.fills) + 10


def warm_up_of(config: CrossConfig) -> int:
    return CrossStrategy().timeframes(config)[0].count


@examples(25)
@given(
    seed=st.integers(0, 10**6),
    kind=st.sampled_from(sorted(MARKETS)),
    direction=st.sampled_from(("long", "short", "neutral")),
    percent=st.decimals("0.3", "6", places=2),
    grids=st.integers(2, 40),
    options=st.builds(
        Options, slippage=st.sampled_from((0.0, 0.0005)), through=st.booleans(), leverage=st.sampled_from((1.0, 5.0))
    ),
)
def test_any_grid(seed: int, kind: str, direction: str, percent: Decimal, grids: int, options: Options) -> None:
    if kind == "spot":
        direction = "long"
    strategy, market = get_strategy("grid"), MARKETS[kind]
    config = strategy.Config.model_validate(
        {"direction": direction, "range_percent": percent, "grids": grids, "investment": 9000}
    )
    candles = columns(walking_candles(400, seed=seed))
    exact = in_decimals(strategy, config, market, candles, 10_000, options)
    assert_equal(simulate(strategy, config, market, candles, "1m", quote=10_000, options=options), exact, market)


def test_as_python_it_trades_the_same_and_tells_why() -> None:
    strategy = get_strategy("grid")
    config = strategy.Config.model_validate(
        {"direction": "neutral", "range_percent": 2, "grids": 30, "investment": 9000}
    )
    candles = columns(walking_candles(600, seed=5))
    fast = simulate(strategy, config, LINEAR, candles, "1m", quote=10_000)
    plain = simulate(strategy, config, LINEAR, candles, "1m", quote=10_000, compiled=False)
    for name in ("point", "sequence", "side", "price", "amount", "fee"):
        np.testing.assert_array_equal(fast.fills[name], plain.fills[name])
    np.testing.assert_array_equal(fast.equity, plain.equity)
    assert fast.state == plain.state
    assert {note.code for _, note in plain.notes} == {"grid.built", "grid.cycle"}
    assert fast.steps < plain.steps / 4, "the compiled run did not pass over what is quiet"


def test_every_cycle_of_a_grid_that_is_built_anew_is_a_round_trip_that_ends() -> None:
    """What moved the grid closes what the intervals had opened, and nothing stays open beside the position."""
    strategy = get_strategy("grid")
    config = strategy.Config.model_validate(
        {
            "investment": 9000,
            "direction": "neutral",
            "range_percent": 1,
            "grids": 10,
            "on_range_left": "recentre",
            "recentre_after": 600,
        }
    )
    candles = columns(walking_candles(3000, seed=4))
    found = simulate(strategy, config, LINEAR, candles, "1m", quote=10_000)
    moved = [found.slots[each] for each in found.fills.slot].count("entry")
    assert moved > 2
    step = float(LINEAR.step)
    trips = trades_of(
        Fills(*(found.fills[name] for name in ("timestamp", "side", "price", "amount", "fee", "is_maker"))),
        found.fills.trade,
        step=step,
        groups=groups_of(found.trades),
    )
    last = float(candles.close[-1])
    cycles = found.state.cycles
    assert cycles > 100
    # Those that were closed by a move end too: at most one of each interval at a time.
    assert cycles <= len(trips.trades) <= cycles + moved * 10
    assert np.sum(np.abs(trips.open.position)) == pytest.approx(abs(found.amount), abs=step / 2)
    change = float(np.sum(trips.trades.profit) + np.sum(trips.open.profit_at(last)))
    assert change == pytest.approx(found.equity[-1] - 10_000, abs=0.01)

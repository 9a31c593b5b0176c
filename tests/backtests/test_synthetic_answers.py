"""Markets whose answer is known without a back-test: chance, a wave, a straight line.

On a driftless random walk nobody earns or loses anything but the fees (the optional stopping theorem). On a wave a grid
earns each interval's width at each turn. On a straight line a follower is in from its first signal to the end.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import cache
from typing import Any

import numpy as np
import pytest

from backtests import synthetic
from backtests.simulation import Options, Simulation, simulate
from backtests.synthetic import Layout
from exchange.candles.files import Candles
from strategies.contract import MarketSpec, Strategy
from strategies.registry import get_strategy
from tests.backtests.ema_cross import CrossConfig, CrossStrategy
from tests.strategies.markets import LINEAR, SPOT

MONEY = 10_000
FEE = Decimal("0.001")
FINE = Decimal("0.00001")
SPOT_IN_QUOTE = replace(SPOT, buyer_pays_in_quote=True)
LINEAR_FINE = replace(LINEAR, step=FINE, min_amount=FINE, maker_fee=FEE, taker_fee=FEE)

# --- chance

SEEDS = range(1000, 1200)
# A candle moves by far less than the strategies' orders lie apart: the order of its extremes, which a candle does not
# tell, does not matter then. Even so a limit order fills at its price when the walk has stepped beyond it, by 0.58 of a
# step of 0.05 % / √12 on average: a sixth of the smallest error below.
WALK = Layout(20_000)
VOLATILITY = 0.0005


@dataclass(frozen=True)
class Player:
    """``exposure`` is about the share of the money that is in the market: its part in the walk's own end is taken off."""

    strategy: Callable[[], Strategy[Any, Any]]
    config: dict[str, Any]
    market: MarketSpec
    exposure: float = 0.0


PLAYERS = {
    "grid, long": Player(
        lambda: get_strategy("grid"), {"range_percent": 15, "grids": 60, "investment": 9900}, SPOT_IN_QUOTE, 0.5
    ),
    "grid, neutral": Player(
        lambda: get_strategy("grid"),
        {"range_percent": 15, "grids": 60, "investment": 9900, "direction": "neutral"},
        LINEAR_FINE,
    ),
    "dca": Player(
        lambda: get_strategy("dca"),
        {
            "base_order_size": 900,
            "safety_order_size": 900,
            "safety_orders": 5,
            "price_deviation": "0.5",
            "take_profit": "0.5",
            "step_scale": "1.2",
            "volume_scale": "1.2",
        },
        SPOT_IN_QUOTE,
        0.5,
    ),
    "trend": Player(
        lambda: get_strategy("trend"),
        {"investment": 9900, "leverage": 5, "direction": "neutral", "timeframe": "5m", "daily_loss": None},
        LINEAR_FINE,
    ),
    "cross": Player(lambda: CrossStrategy(MONEY), {}, SPOT_IN_QUOTE),
}


@cache
def played() -> dict[str, np.ndarray[Any, Any]]:
    """Of every player and walk: profit before fees, what of it the walk's own end explains, fees."""
    found: dict[str, list[tuple[float, float, float]]] = {name: [] for name in PLAYERS}
    for seed in SEEDS:
        candles = synthetic.random_walk(WALK, seed, volatility=VOLATILITY)
        change = MONEY * (candles.close[-1] / candles.open[0] - 1.0)
        for name, player in PLAYERS.items():
            strategy = player.strategy()
            config = strategy.Config.model_validate(player.config)
            run = simulate(strategy, config, player.market, candles, "1m", quote=MONEY)
            found[name].append((run.equity[-1] - MONEY + run.fees, player.exposure * change, run.fees))
    return {name: np.array(rows) for name, rows in found.items()}


@pytest.mark.xdist_group("chance")  # so that the walks are walked once
@pytest.mark.parametrize("name", PLAYERS)
def test_chance_leaves_nothing_but_the_fees(name: str) -> None:
    before_fees, explained, fees = played()[name].T
    # The walk's expected end is its beginning, so that its part can be taken off without changing the expected value.
    rest = before_fees - explained
    error = rest.std(ddof=1) / math.sqrt(len(rest))
    assert abs(rest.mean()) < 2.5 * error
    assert fees.mean() > 3.5 * error, "the error is so large that an edge of the size of the fees would not be seen"


# --- a wave


def by_the_wave(candles: Candles, direction: str, market: MarketSpec, options: Options) -> Simulation[Any]:
    strategy = get_strategy("grid")
    config = strategy.Config.model_validate(
        {
            "lower": 90,
            "upper": 110,
            "grids": 4,
            "investment": 7800,
            "amount_mode": "base",
            "direction": direction,
        }
    )
    return simulate(strategy, config, market, candles, "1m", quote=MONEY, options=options)


# What each of four intervals of 5 between 90 and 110 trades for 7,800: 7,800 / (90 + 95 + 100 + 105).
AMOUNT = Decimal(20)
LINES = (90, 95, 100, 105, 110)
TURNS = 7


@pytest.mark.parametrize("options", [Options(), Options(through=True)], ids=["touch", "through"])
@pytest.mark.parametrize("period", [83.0, 240.0, 1441.7])
def test_a_long_grid_earns_its_intervals_on_a_wave(period: float, options: Options) -> None:
    """From 100 up to 112 first; seven times down to 88 and up again; the end is at a crest, where all is sold."""
    candles = synthetic.sine(Layout(round((TURNS + 0.3) * period)), period=period, amplitude=12.0)
    found = by_the_wave(candles, "long", SPOT_IN_QUOTE, options)
    # Two intervals begin with coins, bought at 100 at market and sold at 105 and 110.
    profit = AMOUNT * (5 + 10) + TURNS * 4 * AMOUNT * 5
    bought, sold = sum(LINES[:-1]), sum(LINES[1:])
    fees = FEE * AMOUNT * (2 * 100 + 105 + 110 + TURNS * (bought + sold))
    assert len(found.fills) == 1 + 2 + TURNS * 8
    assert found.amount == 0.0
    assert found.fees == pytest.approx(float(fees), abs=1e-6)
    assert found.quote == pytest.approx(float(MONEY + profit - fees), abs=1e-6)
    assert found.equity[-1] == pytest.approx(found.quote)


@pytest.mark.parametrize("period", [83.0, 240.0, 1441.7])
def test_a_neutral_grid_earns_its_intervals_on_a_wave(period: float) -> None:
    """At the crest where it ends the two upper intervals are short, sold at 105 and 110."""
    candles = synthetic.sine(Layout(round((TURNS + 0.25) * period)), period=period, amplitude=12.0)
    found = by_the_wave(candles, "neutral", LINEAR_FINE, Options(leverage=5.0))
    last = Decimal(str(candles.close[-1]))
    profit = TURNS * 4 * AMOUNT * 5 + AMOUNT * (105 - last) + AMOUNT * (110 - last)
    bought, sold = sum(LINES[:-1]), sum(LINES[1:])
    fees = FEE * AMOUNT * (TURNS * (bought + sold) + 105 + 110)
    assert len(found.fills) == 2 + TURNS * 8
    assert found.amount == pytest.approx(float(-2 * AMOUNT))
    assert found.fees == pytest.approx(float(fees), abs=1e-6)
    assert found.equity[-1] == pytest.approx(float(MONEY + profit - fees), abs=1e-6)


# --- a straight line

DRIFT = 0.00005
LINE = Layout(8000)


@pytest.mark.parametrize("direction", [1, -1], ids=["up", "down"])
def test_a_cross_is_in_a_straight_trend_from_the_first_signal_to_the_end(direction: int) -> None:
    candles = synthetic.trend(LINE, 1, drift=direction * DRIFT)
    config = CrossConfig(share=0.9)
    found = simulate(CrossStrategy(MONEY), config, SPOT_IN_QUOTE, candles, "1m", quote=MONEY)
    if direction < 0:
        assert len(found.fills) == 0
        assert found.equity.tolist() == [MONEY] * len(candles)
        return
    (bought,) = found.fills
    opened, last = Decimal(str(candles.open[bought.point // 4])), Decimal(str(candles.close[-1]))
    amount = (Decimal("0.9") * MONEY / opened).quantize(FINE, "ROUND_DOWN")
    assert (bought.point % 4, bought.price, bought.amount) == (0, float(opened), float(amount))
    assert found.equity[-1] == pytest.approx(float(MONEY + amount * (last - opened) - FEE * amount * opened), abs=1e-6)


@pytest.mark.parametrize("direction", [1, -1], ids=["up", "down"])
def test_a_trend_follower_without_targets_stays_in_a_straight_trend(direction: int) -> None:
    """A line never comes back, so that its stop is never met. It may put 90 % of the money into a position.

    A line runs 9.5 candles' ranges ahead of its average over 20, which is not to be taken for exhaustion.
    """
    candles = synthetic.trend(LINE, 1, drift=direction * DRIFT)
    strategy = get_strategy("trend")
    config = strategy.Config.model_validate(
        {
            "investment": MONEY,
            "direction": "neutral",
            "timeframe": "5m",
            "targets": "",
            "max_position": 90,
            "exhaustion_stretch": 12,
            "breakout_volume": "0.5",
        }
    )
    found = simulate(strategy, config, LINEAR_FINE, candles, "1m", quote=MONEY)
    (entered,) = found.fills
    opened, last = Decimal(str(candles.open[entered.point // 4])), Decimal(str(candles.close[-1]))
    amount = (Decimal("0.9") * MONEY / opened).quantize(FINE, "ROUND_DOWN")
    assert (entered.side, entered.price, entered.amount) == (direction, float(opened), float(amount))
    profit = direction * amount * (last - opened) - FEE * amount * opened
    assert found.equity[-1] == pytest.approx(float(MONEY + profit), abs=1e-6)

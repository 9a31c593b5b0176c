"""Which row each point of a back-test sees, written out by hand."""

from __future__ import annotations

import math
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import numpy as np
import pytest

from backtests.engine import run
from backtests.features import history_features, longer
from backtests.points import points_of
from exchange.candles.files import Candles
from exchange.port import Candle
from strategies.contract import CandleNeed, CandleSeries, StrategyConfig
from tests.backtests.test_engine import Scripted
from tests.strategies.markets import LINEAR

MINUTE = 60_000
# 2025-05-04 00:00 UTC
START = 1_746_316_800_000
# Five minutes are looked at, and not waited for.
ONLY_MINUTES = (CandleNeed("1m", 1), CandleNeed("5m", 0))


class Closes(Scripted):
    """Looks at the last close of one minute and of five."""

    def __init__(self, *needs: CandleNeed) -> None:
        super().__init__((), ())
        self.needs = needs or (CandleNeed("1m", 1), CandleNeed("5m", 1))
        self.seen: list[tuple[float, float, float]] = []

    def timeframes(self, config: StrategyConfig) -> tuple[CandleNeed, ...]:
        return self.needs

    def features(self, config: StrategyConfig, candles: Mapping[str, CandleSeries]) -> dict[str, np.ndarray]:
        base, fives = candles["1m"], candles["5m"]
        rows = (fives.timestamp + 5 * MINUTE).searchsorted(base.timestamp + MINUTE, side="right") - 1
        known = np.append(fives.close, np.nan)
        return {"one": base.close.copy(), "five": known[rows]}

    def step(self, config: Any, market: Any, state: Any, point: Any, *rest: Any) -> Any:
        minute = (point.timestamp - START) / MINUTE
        self.seen.append((round(minute, 2), point.features["one"], point.features["five"]))
        return super().step(config, market, state, point, *rest)


def minutes(closes: Mapping[int, int]) -> Candles:
    """Flat candles, by the minute in which they open."""
    price = np.array([float(close) for close in closes.values()])
    opens = np.array([START + minute * MINUTE for minute in closes], dtype=np.int64)
    return Candles(opens, price, price, price, price, np.ones(len(price)))


def four_times(price: float) -> tuple[Decimal, Decimal, Decimal, Decimal]:
    exact = Decimal(str(price))
    return exact, exact, exact, exact


def shown(strategy: Closes, candles: Candles) -> list[tuple[float, float, float]]:
    rows = zip(candles.timestamp.tolist(), candles.close.tolist(), strict=True)
    flat = [Candle(opened, *four_times(close), Decimal(1)) for opened, close in rows]
    config = StrategyConfig()
    table = history_features(strategy, config, candles, "1m")
    run(strategy, config, LINEAR, points_of(flat, MINUTE), quote=Decimal(1000), features=table)
    return strategy.seen


def test_the_four_points_of_a_candle_see_the_candle_before() -> None:
    seen = shown(Closes(*ONLY_MINUTES), minutes({0: 10, 1: 11, 2: 12}))
    assert [row[:2] for row in seen[4:]] == [
        (1.0, 10), (1.33, 10), (1.67, 10), (2.0, 10),  # the close point lies a millisecond before the close
        (2.0, 11), (2.33, 11), (2.67, 11), (3.0, 11),
    ]  # fmt: skip
    assert all(math.isnan(one) for _, one, _ in seen[:4])


def test_five_minutes_are_seen_from_the_open_of_the_next_on() -> None:
    closes = {minute: 10 + minute for minute in range(11)}
    opens = [(minute, five) for minute, _, five in shown(Closes(), minutes(closes))[::4]]
    assert all(math.isnan(five) for _, five in opens[:5])
    assert opens[5:] == [(5, 14), (6, 14), (7, 14), (8, 14), (9, 14), (10, 19)]


def test_over_a_gap_the_last_closed_candle_stays() -> None:
    seen = shown(Closes(*ONLY_MINUTES), minutes({0: 10, 1: 11, 7: 17, 8: 18}))
    # The five minutes 0–5 hold two of five candles; row 1 closed before they did, and is the newest at minute 7.
    assert [(minute, one) for minute, one, _ in seen[8::4]] == [(7, 11), (8, 17)]
    assert math.isnan(seen[8][2])
    assert seen[12][2] == 11


def test_nothing_is_known_before_the_declared_warm_up() -> None:
    seen = shown(Closes(CandleNeed("1m", 3), CandleNeed("5m", 1)), minutes({minute: minute + 1 for minute in range(7)}))
    # Three minutes had closed at minute 3, five at minute 5, and a row is known whole or not at all.
    assert [math.isnan(one) for _, one, _ in seen[::4]] == [True] * 5 + [False] * 2


def test_longer_candles_that_are_not_covered_to_their_edge_are_left_out() -> None:
    candles = minutes({minute: 100 + minute for minute in range(3, 19)})
    fives = longer(candles, "1m", "5m")
    assert (fives.timestamp - START).tolist() == [5 * MINUTE, 10 * MINUTE]
    assert fives.open.tolist() == [105, 110]
    assert fives.close.tolist() == [109, 114]
    assert fives.volume.tolist() == [5, 5]


@pytest.mark.parametrize("target", ["1m", "7m"])
def test_candles_that_cannot_be_made_are_refused(target: str) -> None:
    with pytest.raises(ValueError, match=f"{target} candles cannot be made of 5m candles"):
        longer(minutes({0: 1}), "5m", target)


def test_a_strategy_that_needs_features_does_not_run_without() -> None:
    with pytest.raises(ValueError, match="looks at closed candles"):
        run(Closes(), StrategyConfig(), LINEAR, [], quote=Decimal(1))


def test_a_strategy_without_features_gets_none() -> None:
    assert history_features(Scripted(()), StrategyConfig(), minutes({0: 1}), "1m") is None

"""Every number that a built-in strategy sees has a name for people."""

from __future__ import annotations

import numpy as np
import pytest

from strategies.candles import timeframe_ms
from strategies.contract import CandleSeries, UsesFeatures
from strategies.feature_titles import Kind, pattern_name, title_of
from strategies.registry import get_strategy
from strategies.smc.patterns import WORDS

CONFIGS = {
    "dca": {
        "base_order_size": 100,
        "safety_orders": 0,
        "take_profit": 1,
        "start_on_rsi": True,
        "start_on_ema_cross": True,
        "start_on_bollinger": True,
    },
    "hybrid": {"investment": 10_000, "dca_start_on_rsi": True},
    "smc": {"capital": 10_000},
    "trend": {"investment": 10_000},
}


def names_of(strategy: str) -> list[str]:
    chosen = get_strategy(strategy)
    assert isinstance(chosen, UsesFeatures)
    config = chosen.Config(**CONFIGS[strategy])
    series = {need.timeframe: flat(need.timeframe, need.count) for need in chosen.timeframes(config)}
    return list(chosen.features(config, series))


def flat(timeframe: str, count: int) -> CandleSeries:
    prices = 100 + np.sin(np.arange(count) / 7.0)
    return CandleSeries(
        timeframe, np.arange(count, dtype=np.int64) * timeframe_ms(timeframe), prices, prices, prices, prices, prices
    )


@pytest.mark.parametrize("strategy", CONFIGS)
def test_no_feature_is_left_without_a_title_and_no_two_have_the_same(strategy: str) -> None:
    names = names_of(strategy)
    titles = [title_of(strategy, name) for name in names]
    untitled = title_of("one of your own", "x").place
    assert [name for name, title in zip(names, titles, strict=True) if title.place % (10 * untitled) == untitled] == []
    assert len({(title.group, title.title) for title in titles}) == len(names) >= 4
    # Read from top to bottom: what has one heading stands together.
    groups = [title.group for title in sorted(titles, key=lambda title: title.place)]
    assert [group for group, before in zip(groups, [None, *groups], strict=False) if group != before] == list(
        dict.fromkeys(groups)
    )


def test_a_strategy_of_ones_own_is_read_by_its_names() -> None:
    title = title_of("mine", "fast_average")
    assert (title.title, title.kind, title.group) == ("Fast average", Kind.NUMBER, "")


def test_the_parts_of_a_strategy_are_headings() -> None:
    assert (title_of("hybrid", "dca.rsi").group, title_of("hybrid", "dca.rsi").title) == ("DCA", "RSI")
    assert title_of("hybrid", "regime.candle_close").kind is Kind.MOMENT


def test_patterns_are_numbered_as_smart_money_concepts_numbers_them() -> None:
    assert tuple(pattern_name(float(number)) for number in range(4)) == WORDS

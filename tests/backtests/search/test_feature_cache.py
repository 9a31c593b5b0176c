"""Features are computed once for configurations that they cannot tell apart, and anew for all others."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from pydantic import Field

from backtests.features import history_features
from backtests.search.feature_cache import FeatureCache
from backtests.synthetic import Layout, random_walk
from strategies.contract import CandleNeed, CandleSeries, StrategyConfig
from strategies.registry import get_strategy
from tests.backtests.ema_cross import CrossConfig, CrossStrategy

CONFIGS: dict[str, dict[str, Any]] = {
    "dca": {
        "base_order_size": 100,
        "safety_order_size": 80,
        "price_deviation": 1,
        "take_profit": 1,
        "start_on_rsi": True,
        "start_timeframe": "5m",
    },
    "grid": {"range_percent": 3, "grids": 10, "investment": 1000},
    "smc": {"capital": 1000},
    "trend": {"timeframe": "5m", "investment": 1000},
}
CANDLES = random_walk(Layout(300), 1)


def equal(one: Any, other: Any) -> bool:
    return (
        np.array_equal(one.closes, other.closes)
        and np.array_equal(one.known, other.known)
        and one.columns.keys() == other.columns.keys()
        and all(np.array_equal(one.columns[name], other.columns[name], equal_nan=True) for name in one.columns)
    )


def test_what_features_do_not_read_does_not_make_them_anew() -> None:
    strategy = CrossStrategy()
    cache = FeatureCache(strategy, CANDLES, "1m")
    first = cache.table(CrossConfig(fast=5, slow=9, share=0.5))
    assert cache.table(CrossConfig(fast=5, slow=9, share=0.7)) is first
    other = cache.table(CrossConfig(fast=6, slow=9, share=0.5))
    assert other is not first
    assert cache.hits == 1
    for config, table in ((CrossConfig(fast=5, slow=9), first), (CrossConfig(fast=6, slow=9), other)):
        assert equal(table, history_features(strategy, config, CANDLES, "1m"))


class Branching(CrossStrategy):
    """Reads ``slow`` only where ``fast`` says so, and ``share`` by hashing the whole when it is 9."""

    def timeframes(self, config: CrossConfig) -> tuple[CandleNeed, ...]:
        return (CandleNeed("1m", 1),)

    def features(self, config: CrossConfig, candles: Mapping[str, CandleSeries]) -> Mapping[str, Any]:
        close = candles["1m"].close
        if config.fast == 9:
            hash(config)
            return {"fast": close * config.share, "slow": close}
        return {"fast": close, "slow": close * config.slow} if config.fast > 5 else {"fast": close, "slow": close}


def test_a_field_that_is_read_only_sometimes_counts_only_then() -> None:
    cache = FeatureCache(Branching(), CANDLES, "1m")

    def same(one: dict[str, Any], other: dict[str, Any]) -> bool:
        return cache.table(CrossConfig(**one)) is cache.table(CrossConfig(**other))

    assert same({"fast": 5, "slow": 20}, {"fast": 5, "slow": 30})
    assert not same({"fast": 6, "slow": 20}, {"fast": 6, "slow": 30})
    assert same({"fast": 6, "slow": 20, "share": 0.5}, {"fast": 6, "slow": 20, "share": 0.6})
    assert not same({"fast": 9, "slow": 20}, {"fast": 9, "slow": 21})


class Inner(StrategyConfig):
    length: int = 3


class Outer(CrossConfig):
    inner: Inner = Inner()
    longer: int = Field(4)

    @property
    def doubled(self) -> int:
        return self.longer * 2


class Nested(CrossStrategy):
    Config = Outer

    def features(self, config: Any, candles: Mapping[str, CandleSeries]) -> Mapping[str, Any]:
        close = candles["1m"].close
        return {"fast": close * config.inner.length, "slow": close * config.doubled}


def test_parts_and_properties_of_a_configuration_are_seen() -> None:
    cache = FeatureCache(Nested(), CANDLES, "1m")
    first = cache.table(Outer(timeframe="1m"))
    assert cache.table(Outer(timeframe="1m", share=0.1)) is first
    assert cache.table(Outer(timeframe="1m", inner=Inner(length=4))) is not first
    assert cache.table(Outer(timeframe="1m", longer=5)) is not first


def test_the_built_in_strategies_get_the_features_that_they_would_have_made_themselves() -> None:
    candles = random_walk(Layout(4000), 2)
    for name, said in CONFIGS.items():
        strategy = get_strategy(name)
        config = strategy.Config.model_validate(said)
        made = FeatureCache(strategy, candles, "1m").table(config)
        expected = history_features(strategy, config, candles, "1m")
        assert (made is None) == (expected is None), name
        assert made is None or equal(made, expected), name


def test_memory_is_bounded_by_forgetting_the_least_used() -> None:
    cache = FeatureCache(CrossStrategy(), CANDLES, "1m", most_bytes=3 * 300 * 8)
    tables = [cache.table(CrossConfig(fast=fast, slow=20)) for fast in (2, 3, 4)]
    assert cache.table(CrossConfig(fast=2, slow=20)) is tables[0]
    cache.table(CrossConfig(fast=5, slow=20))
    assert cache.table(CrossConfig(fast=2, slow=20)) is tables[0]
    assert cache.table(CrossConfig(fast=3, slow=20)) is not tables[1]

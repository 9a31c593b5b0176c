"""Every strategy there is, with configurations that use all of it, on real candles of several markets.

A strategy that is registered and has no configurations here is tried with the least that its model asks for.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import cache, cached_property
from pathlib import Path
from typing import Any, Final

import numpy as np
import pytest
from pydantic import ValidationError

from backtests.features import longer
from backtests.points import candles_of
from exchange.candles.files import Candles, read_file
from exchange.candles.merging import taken
from strategies import registry
from strategies.candles import closed_by, rows_of, timeframe_ms
from strategies.contract import (
    CandleNeed,
    CandleSeries,
    MarketKind,
    MarketSpec,
    StartsFromCandles,
    StrategyConfig,
    UsesFeatures,
)
from strategies.user_files import AnyStrategy


@dataclass(frozen=True)
class Source:
    file: str
    timeframe: str
    kind: MarketKind


# A rising month, a coin whose price has eight decimals, a thin and jumpy one, series with missing candles.
ETH_MINUTES: Final = Source("binance_ETHUSDT_linear_1m_202505.parquet", "1m", MarketKind.LINEAR)
SHIB_MINUTES: Final = Source("kucoin_SHIBUSDT_spot_1m.parquet", "1m", MarketKind.SPOT)
WIF_QUARTERS: Final = Source("bybit_WIFUSDT_linear_15m.parquet", "15m", MarketKind.LINEAR)
BTC_QUARTERS_WITH_GAPS: Final = Source("bybit_BTCUSDT_spot_15m.csv.gz", "15m", MarketKind.SPOT)
SOL_HOURS: Final = Source("binance_SOLUSDT_linear_1h_202010-202406.parquet", "1h", MarketKind.LINEAR)
DOGE_HOURS_WITH_GAPS: Final = Source("binance_DOGEUSDT_spot_1h_202012-202107.csv.gz", "1h", MarketKind.SPOT)


@dataclass(frozen=True)
class OfOpen:
    """A price as a share of the walk's first one."""

    share: str


@dataclass(frozen=True)
class Setting:
    """``walked`` are the candles that a back-test runs over: the last ones of the series."""

    label: str
    fields: Mapping[str, Any]
    sources: tuple[Source, ...]
    walked: int = 400


_TIGHT_DEALS: Final = {
    "base_order_size": 200,
    "safety_order_size": 150,
    "safety_orders": 5,
    "active_safety_orders": 2,
    "price_deviation": "0.3",
    "step_scale": "1.3",
    "volume_scale": "1.4",
    "take_profit": "0.5",
}
_EVERY_START: Final = {
    "start_on_rsi": True,
    "rsi_limit": 45,
    "start_on_ema_cross": True,
    "start_on_bollinger": True,
    "start_combine": "any",
}

SETTINGS: Final[Mapping[str, tuple[Setting, ...]]] = {
    "grid": (
        Setting(
            "long in percent",
            {"range_percent": 3, "grids": 30, "investment": 10_000},
            (SHIB_MINUTES, BTC_QUARTERS_WITH_GAPS),
        ),
        Setting(
            "neutral, built again",
            {
                "direction": "neutral",
                "range_percent": 1,
                "grids": 20,
                "investment": 10_000,
                "on_range_left": "recentre",
                "recentre_after": 1800,
            },
            (ETH_MINUTES, WIF_QUARTERS),
        ),
        Setting(
            "short, trailing and stopped",
            {
                "direction": "short",
                "lower": OfOpen("0.96"),
                "upper": OfOpen("1.02"),
                "grids": 24,
                "investment": 10_000,
                "spacing": "geometric",
                "trailing_down": True,
                "stop_loss_percent": 25,
            },
            (ETH_MINUTES, SOL_HOURS),
        ),
        Setting(
            "range in ATRs",
            {"range_atr_multiple": 2, "atr_timeframe": "1h", "grids": 16, "investment": 10_000, "trailing_up": True},
            (SHIB_MINUTES, DOGE_HOURS_WITH_GAPS),
        ),
    ),
    "dca": (
        Setting("long", _TIGHT_DEALS, (SHIB_MINUTES, BTC_QUARTERS_WITH_GAPS)),
        Setting(
            "short, trailing, stop with time-out",
            _TIGHT_DEALS
            | {"direction": "short", "trailing_take_profit": "0.2", "stop_loss": "1.5", "stop_loss_timeout": 600},
            (ETH_MINUTES, SOL_HOURS),
        ),
        Setting(
            "started by five-minute candles",
            _TIGHT_DEALS | _EVERY_START | {"start_timeframe": "5m", "cool_down": 600, "stop_loss": "2"},
            (ETH_MINUTES, SHIB_MINUTES),
        ),
        Setting(
            "started by hours, profit in steps",
            {name: value for name, value in _TIGHT_DEALS.items() if name != "take_profit"}
            | _EVERY_START
            | {"start_timeframe": "1h", "take_profit_steps": "0.4:50, 0.9:50"},
            (WIF_QUARTERS, DOGE_HOURS_WITH_GAPS),
        ),
    ),
    "trend": (
        Setting("long hours", {"investment": 10_000}, (DOGE_HOURS_WITH_GAPS,), walked=600),
        Setting(
            "both sides",
            {"investment": 10_000, "direction": "neutral", "leverage": 5, "timeframe": "15m", "daily_loss": 2},
            (WIF_QUARTERS,),
            walked=600,
        ),
        Setting(
            "limit entries, no targets",
            {
                "investment": 10_000,
                "direction": "neutral",
                "leverage": 3,
                "entry_order": "limit",
                "targets": "",
                "ema_fast": 8,
                "ema_slow": 21,
                "pullback_volume": 0,
                "trail_from": "1",
            },
            (SOL_HOURS,),
            walked=600,
        ),
        Setting(
            "quarters of an hour beside minutes",
            {"investment": 10_000, "timeframe": "15m", "direction": "neutral", "leverage": 5, "pullback_volume": 0},
            (ETH_MINUTES,),
            walked=1000,
        ),
    ),
    "hybrid": (
        Setting("defaults", {"investment": 10_000}, (DOGE_HOURS_WITH_GAPS,)),
        Setting(
            "run off, three timeframes",
            {
                "investment": 10_000,
                "handover": "run_off",
                "cool_down": 0,
                "max_switches": 20,
                "regime_timeframe": "30m",
                "regime_confirmation": 1,
                "regime_ema_fast": 8,
                "regime_ema_slow": 21,
                "dca_start_on_rsi": True,
                "dca_rsi_limit": 50,
                "trend_timeframe": "15m",
                "trend_ema_fast": 8,
                "trend_ema_slow": 21,
            },
            (WIF_QUARTERS, BTC_QUARTERS_WITH_GAPS),
        ),
    ),
    "smc": (
        Setting(
            "short swings, both sides",
            {"capital": 10_000, "swing_length": 5, "memory": 6, "direction": "neutral", "leverage": 3},
            (WIF_QUARTERS,),
            walked=400,
        ),
        Setting(
            "short swings, long",
            {"capital": 10_000, "swing_length": 5, "memory": 6},
            (BTC_QUARTERS_WITH_GAPS,),
            walked=400,
        ),
        Setting("defaults", {"capital": 10_000, "direction": "neutral"}, (WIF_QUARTERS,), walked=200),
    ),
}
_ANY_SOURCES: Final = (ETH_MINUTES, WIF_QUARTERS, BTC_QUARTERS_WITH_GAPS)


@dataclass(frozen=True)
class Case:
    """One strategy with one setting on one market. A back-test runs over ``walk``, the last candles of the series."""

    name: str
    setting: Setting
    source: Source

    def __str__(self) -> str:
        return f"{self.name}, {self.setting.label}, {self.source.file.partition('.')[0]}"

    def fresh(self) -> AnyStrategy:
        """An instance that has seen nothing."""
        return type(registry.get_strategy(self.name))()

    def unresolved(self, first_price: Decimal) -> Any:
        fields = {name: _given(value, first_price) for name, value in self.setting.fields.items()}
        config = self.fresh().Config
        return config.model_validate(fields) if fields else _least(config)

    @property
    def candles(self) -> Candles:
        return candles_of_file(self.source.file)

    @property
    def walk(self) -> Candles:
        return taken(self.candles, np.arange(self._before_walk, len(self.candles)))

    @property
    def _before_walk(self) -> int:
        return len(self.candles) - self.setting.walked

    @property
    def length_ms(self) -> int:
        return timeframe_ms(self.source.timeframe)

    @cached_property
    def market(self) -> MarketSpec:
        """The source's price steps; amounts and fees are nearly those of the exchanges."""
        digits = [Decimal(repr(price)).normalize().as_tuple().exponent for price in self.candles.close[:2000].tolist()]
        return MarketSpec(
            symbol="ANY/USDT" if self.source.kind is MarketKind.SPOT else "ANY/USDT:USDT",
            kind=self.source.kind,
            base="ANY",
            quote="USDT",
            tick=Decimal(1).scaleb(min(each for each in digits if isinstance(each, int))),
            step=Decimal("0.00001"),
            min_amount=Decimal("0.0001"),
            maker_fee=Decimal("0.0004"),
            taker_fee=Decimal("0.0008"),
            min_notional=Decimal(1),
            max_leverage=Decimal(50),
        )

    @cached_property
    def config(self) -> Any:
        first_price = Decimal(repr(float(self.walk.open[0])))
        config, strategy = self.unresolved(first_price), self.fresh()
        if isinstance(strategy, StartsFromCandles) and (need := strategy.candles_needed(config)) is not None:
            before = longer(taken(self.candles, np.arange(self._before_walk)), self.source.timeframe, need.timeframe)
            last = slice(-need.count, None)
            prices = (each[last] for each in (before.open, before.high, before.low, before.close, before.volume))
            bars = list(candles_of(Candles(before.timestamp[last], *prices)))
            config = strategy.resolve(config, first_price, bars)
        return config

    @cached_property
    def needs(self) -> tuple[CandleNeed, ...]:
        strategy = self.fresh()
        return strategy.timeframes(self.config) if isinstance(strategy, UsesFeatures) else ()

    @cached_property
    def series(self) -> dict[str, CandleSeries]:
        """Whole series of every timeframe that is looked at."""
        return {need.timeframe: _longer(self.source, need.timeframe) for need in self.needs}

    def recent(self, candles: int, end: int | None = None) -> dict[str, CandleSeries]:
        """``candles`` of the source before its row ``end`` (the last ones) in every timeframe that is looked at, each with
        its warm-up before them."""
        last = (len(self.candles) if end is None else end) - 1
        opened = int(self.candles.timestamp[max(0, last - candles + 1)])
        closed = int(self.candles.timestamp[last]) + self.length_ms
        cut = {}
        for need in self.needs:
            series = closed_by(self.series[need.timeframe], closed)
            first = int(series.timestamp.searchsorted(opened)) - need.count - 1
            cut[need.timeframe] = rows_of(series, max(0, first), len(series.timestamp))
        return cut


def _given(value: Any, first_price: Decimal) -> Any:
    return str(first_price * Decimal(value.share)) if isinstance(value, OfOpen) else value


def _least(config: type[StrategyConfig]) -> StrategyConfig:
    """A thousand for everything that must be given."""
    try:
        return config()
    except ValidationError as error:
        missing = {each["loc"][0]: 1000 for each in error.errors() if each["type"] == "missing"}
    return config.model_validate(missing)


@cache
def candles_of_file(name: str) -> Candles:
    folder = os.environ.get("TRADERAGENT_CANDLES")
    if not folder:
        pytest.skip("TRADERAGENT_CANDLES is not set: it names the folder with real candles")
    return read_file(Path(folder) / name)


@cache
def _longer(source: Source, timeframe: str) -> CandleSeries:
    return longer(candles_of_file(source.file), source.timeframe, timeframe)


def _cases() -> list[Case]:
    found = []
    for name in registry.names():
        if registry.source_of(name) is None:
            settings = SETTINGS.get(name) or (Setting("the least it asks for", {}, _ANY_SOURCES),)
            found += [Case(name, setting, source) for setting in settings for source in setting.sources]
    return found


def _looks_at_candles(case: Case) -> bool:
    strategy = case.fresh()
    return isinstance(strategy, UsesFeatures) and bool(strategy.timeframes(case.unresolved(Decimal(100))))


CASES: Final = _cases()
CASES_WITH_FEATURES: Final = [case for case in CASES if _looks_at_candles(case)]
each_case_with_features = pytest.mark.parametrize("case", CASES_WITH_FEATURES, ids=str)

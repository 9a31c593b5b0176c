"""What a strategy sees of closed candles in a tick: the newest row of its features.

The row changes only when a candle of the base timeframe closes. Until then it is kept in the process, for all bots of
one market, strategy and configuration: a tick in between asks neither Redis nor the exchange and computes nothing.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from threading import Lock
from typing import Any

from bots.decision import StrategyFailed, config_of, strategy_of
from bots.models import Bot
from bots.scene import NewestFeatures, Waiting
from exchange.port import ExchangeGateway, Ticker
from strategies.candles import closed_by, closes_of
from strategies.contract import CandleNeed, CandleSeries, StrategyConfig, UsesFeatures
from strategies.feature_rows import feature_table
from strategies.registry import UnknownStrategy

# An exchange may list a candle some seconds after its close. Until then the row before it is the newest; after that
# nobody seems to have traded in its time, and the features are those of the candles that there are.
LISTING_MS = 5_000
ASK_AGAIN_MS = 1_000
ROWS_KEPT = 500
_FOR_EVER = 1 << 62


@dataclass(frozen=True, slots=True)
class _Kept:
    """Holds for prices of the times ``since <= t < until``, ms UTC."""

    newest: NewestFeatures
    since: int
    until: int


_kept: dict[tuple[str, ...], _Kept] = {}
_lock = Lock()


def newest_features(bot: Bot, *, gateway: ExchangeGateway, ticker: Ticker) -> NewestFeatures:
    """Raises ``StrategyFailed``, and ``exchange.errors.ExchangeError`` when the candles cannot be had."""
    try:
        strategy = strategy_of(bot)
    except UnknownStrategy as error:
        raise StrategyFailed(str(error)) from error
    if not isinstance(strategy, UsesFeatures):
        return NewestFeatures()
    config_text = json.dumps(bot.config, sort_keys=True)
    key = (bot.account.venue, bot.symbol, strategy.name, strategy.version, config_text)
    kept = _kept.get(key)
    if kept is None or not kept.since <= ticker.timestamp < kept.until:
        kept = _computed(bot, strategy, gateway, ticker)
        _keep(key, kept)
    return kept.newest


def _keep(key: tuple[str, ...], kept: _Kept) -> None:
    with _lock:
        _kept.pop(key, None)
        _kept[key] = kept
        while len(_kept) > ROWS_KEPT:
            del _kept[next(iter(_kept))]


def _computed(bot: Bot, strategy: UsesFeatures[Any], gateway: ExchangeGateway, ticker: Ticker) -> _Kept:
    # NumPy and Arrow are 45 MB in every process, and not every strategy looks at candles.
    from exchange.candles.series import SeriesKey

    now = ticker.timestamp
    config, needs = _needs(bot, strategy)
    if not needs:
        return _Kept(NewestFeatures(), 0, _FOR_EVER)
    candles = {need.timeframe: _closed(bot, need, gateway, now) for need in needs}
    forming = {each: SeriesKey.of_unified("any", bot.symbol, each).floor(now) for each in candles}
    base = needs[0].timeframe
    step = SeriesKey.of_unified("any", bot.symbol, base).step
    is_listed = all(_reaches(series, forming[timeframe]) for timeframe, series in candles.items())
    shown_at = now if is_listed or now - forming[base] >= LISTING_MS else forming[base] - 1
    shown = {timeframe: closed_by(series, shown_at) for timeframe, series in candles.items()}
    until = forming[base] + step
    if not is_listed:
        until = min(until, now + ASK_AGAIN_MS)
    return _Kept(_newest(strategy, config, needs, shown, shown_at), forming[base], until)


def _needs(bot: Bot, strategy: UsesFeatures[Any]) -> tuple[StrategyConfig, tuple[CandleNeed, ...]]:
    """The needs are empty for a configuration that looks at no candles."""
    try:
        config = config_of(bot)
        return config, strategy.timeframes(config)
    except Exception as error:  # whatever a strategy may raise
        raise StrategyFailed(f"{type(error).__name__}: {error}") from error


def _closed(bot: Bot, need: CandleNeed, gateway: ExchangeGateway, now: int) -> CandleSeries:
    from exchange.candles.live import Market, closed_candles
    from exchange.candles.series import as_series
    from exchange.candles.store import from_port_candles

    market = Market.of(bot.account.gateway_config(), bot.symbol)
    # One more than the warm-up: the newest may not be shown yet, while a longer one is not listed.
    wanted = need.count + 1
    found = closed_candles(market, need.timeframe, wanted, gateway=gateway, now_ms=now)
    if len(found) < wanted:
        # A time in which nobody traded is no candle, and the same number of candles goes further back.
        found = closed_candles(market, need.timeframe, 2 * wanted, gateway=gateway, now_ms=now)[-wanted:]
    return as_series(from_port_candles(found), need.timeframe)


def _reaches(series: CandleSeries, forming: int) -> bool:
    return bool(len(series.timestamp)) and int(closes_of(series)[-1]) == forming


def _newest(
    strategy: UsesFeatures[Any],
    config: StrategyConfig,
    needs: tuple[CandleNeed, ...],
    candles: Mapping[str, CandleSeries],
    now: int,
) -> NewestFeatures:
    try:
        table = feature_table(strategy, config, candles)
    except Exception as error:  # whatever a strategy may raise
        raise StrategyFailed(f"{type(error).__name__}: {error}") from error
    counts = ((need, len(candles[need.timeframe].timestamp)) for need in needs)
    waiting = tuple(Waiting(need.timeframe, need.count, has) for need, has in counts if has < need.count)
    return NewestFeatures(table.row(table.row_at(now)), waiting)

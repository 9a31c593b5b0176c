"""What a strategy may look at once, before its start: closed candles that its configuration is resolved from."""

from __future__ import annotations

from typing import Any

from exchange.models import ExchangeAccount
from exchange.port import ExchangeGateway, Ticker
from strategies.contract import StartsFromCandles, Strategy, StrategyConfig


def resolve_config(
    strategy: Strategy[Any, Any],
    config: StrategyConfig,
    *,
    account: ExchangeAccount,
    gateway: ExchangeGateway,
    ticker: Ticker,
) -> StrategyConfig:
    """The configuration that the start is planned with. Raises ``ValueError`` when the market's history is too short."""
    if not isinstance(strategy, StartsFromCandles):
        return config
    need = strategy.candles_needed(config)
    bars = []
    if need is not None:
        # NumPy and Arrow are 45 MB in every process, and few strategies start from history.
        from exchange.candles.live import Market, closed_candles

        market = Market.of(account.gateway_config(), ticker.symbol)
        bars = closed_candles(market, need.timeframe, need.count, gateway=gateway, now_ms=ticker.timestamp)
    resolved: StrategyConfig = strategy.resolve(config, ticker.last, bars)
    return resolved

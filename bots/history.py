"""What a strategy may look at once, before its start: closed candles that its configuration is resolved from."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from exchange.port import ExchangeGateway
from strategies.contract import StartsFromCandles, Strategy, StrategyConfig


def resolve_config(
    strategy: Strategy[Any, Any], config: StrategyConfig, *, gateway: ExchangeGateway, symbol: str, price: Decimal
) -> StrategyConfig:
    """The configuration that the start is planned with. Raises ``ValueError`` when the market's history is too short."""
    if not isinstance(strategy, StartsFromCandles):
        return config
    need = strategy.candles_needed(config)
    bars = []
    if need is not None:
        # The newest candle is still forming.
        bars = gateway.candles(symbol, need.timeframe, limit=need.count + 1)[:-1]
    resolved: StrategyConfig = strategy.resolve(config, price, bars)
    return resolved

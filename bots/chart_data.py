"""The numbers behind the charts, as JSON for the chart library: times in seconds UTC (the market's), prices as floats."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from pydantic import ValidationError

from bots import market_data, selectors
from bots.errors import ExchangeUnavailable
from bots.models import Bot, Fill, Order
from exchange.models import ExchangeAccount
from exchange.port import Candle
from strategies.contract import Level
from strategies.registry import UnknownStrategy, get_strategy

CANDLES = 500


def bot_chart(bot: Bot, timeframe: str) -> dict[str, Any]:
    """Everything. ``error`` is a sentence when the exchange gave no candles; the rest is there all the same."""
    error = ""
    try:
        candles = market_data.candles(bot.account, bot.symbol, timeframe, limit=CANDLES)
    except ExchangeUnavailable as unavailable:
        candles, error = [], unavailable.detail
    since = datetime.fromtimestamp(candles[0].timestamp / 1000, UTC) if candles else datetime.fromtimestamp(0, UTC)
    price = candles[-1].close if candles else None
    return {
        "error": error,
        "timeframe": timeframe,
        "seconds": market_data.TIMEFRAMES[timeframe],
        "candles": [_candle(candle) for candle in candles],
        "levels": levels(bot, price),
        "equity": equity(bot),
        **trading(bot, since),
    }


def market_chart(account: ExchangeAccount, symbol: str, timeframe: str) -> dict[str, Any]:
    """Candles only, for a bot that does not exist yet."""
    try:
        candles, error = market_data.candles(account, symbol, timeframe, limit=CANDLES), ""
    except ExchangeUnavailable as unavailable:
        candles, error = [], unavailable.detail
    return {"error": error, "timeframe": timeframe, "candles": [_candle(candle) for candle in candles]}


def trading(bot: Bot, since: datetime) -> dict[str, Any]:
    """What changes with every fill: the resting orders and the fills since ``since``."""
    return {
        "status": bot.status,
        "orders": [_order(order) for order in selectors.standing_orders(bot) if order.price or order.trigger_price],
        "fills": [_fill(fill) for fill in selectors.fills_between(bot, since)],
    }


def equity(bot: Bot) -> list[dict[str, float]]:
    """One value per second at most, as the chart library asks for."""
    by_second = {int(at.timestamp()): float(profit) for at, profit in selectors.equity_curve(bot)}
    return [{"time": second, "value": by_second[second]} for second in sorted(by_second)]


def levels(bot: Bot, price: Decimal | None) -> list[dict[str, Any]]:
    """The lines that the bot trades at: of a running one where it really put orders, else where a start would.

    None where the plan cannot be drawn (market or strategy gone, configuration outdated).
    """
    if bot.is_ticking:
        return [{"price": float(line), "side": "", "label": ""} for line in selectors.order_prices(bot)]
    if price is None:
        return []
    try:
        strategy = get_strategy(bot.strategy)
        market = market_data.market(bot.account, bot.symbol)
        config = strategy.Config.model_validate(bot.config)
    except (ExchangeUnavailable, UnknownStrategy, ValidationError):
        return []
    return [] if market is None else as_lines(strategy.levels(config, market, price))


def as_lines(plan: Iterable[Level]) -> list[dict[str, Any]]:
    return [{"price": float(level.price), "side": level.side.value, "label": level.label} for level in plan]


def _candle(candle: Candle) -> dict[str, float]:
    return {
        "time": candle.timestamp // 1000,
        "open": float(candle.open),
        "high": float(candle.high),
        "low": float(candle.low),
        "close": float(candle.close),
    }


def _order(order: Order) -> dict[str, Any]:
    return {
        "id": order.pk,
        "side": order.side,
        "price": float(order.price or order.trigger_price or 0),
        "amount": float(order.remaining),
        "type": order.type,
        "slot": order.slot,
    }


def _fill(fill: Fill) -> dict[str, Any]:
    return {
        "id": fill.pk,
        "time": int(fill.executed_at.timestamp()),
        "side": fill.side,
        "price": float(fill.price),
        "amount": float(fill.amount),
    }

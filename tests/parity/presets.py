"""Presets of the five strategies, quick enough to trade within minutes, and where in real candles each trades much."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

LINEAR_FEES = {"maker": "0.0002", "taker": "0.00055"}
BTC = "binance_BTCUSDT_linear_1m_202505.parquet"
BTC_PAST = "bybit_BTCUSDT_linear_15m.parquet"


@dataclass(frozen=True, slots=True)
class Window:
    """``since`` in UTC; ``candles`` of one minute from there on."""

    file: str
    since: str
    candles: int
    fewest_fills: int
    slots: frozenset[str]  # the first words of what must have traded, or there would be little to compare
    past: str = ""


def linear(symbol: str, tick: str, step: str, strategy: str, config: dict[str, Any], **others: Any) -> dict[str, Any]:
    return {
        "symbol": f"{symbol}/USDT:USDT",
        "market": "linear",
        "timeframe": "1m",
        "strategy": strategy,
        "config": config,
        "initial_balance": "100000",
        "fees": LINEAR_FEES,
        "precision": {"price": tick, "amount": step},
        "limits": {"amount": step, "notional": "5"},
        **others,
    }


GRID = linear(
    "ETH",
    "0.01",
    "0.01",
    "grid",
    {
        "direction": "neutral",
        "range_percent": "0.4",
        "grids": 8,
        "investment": "12000",
        "on_range_left": "recentre",
        "recentre_after": 300,
    },
)
DCA = linear(
    "SOL",
    "0.001",
    "0.1",
    "dca",
    {
        "base_order_size": "1000",
        "safety_order_size": "800",
        "safety_orders": 3,
        "price_deviation": "0.1",
        "step_scale": "1.3",
        "volume_scale": "1.4",
        "take_profit": "0.15",
        "stop_loss": "1",
        "start_on_rsi": True,
        "rsi_limit": "50",
        "start_timeframe": "1m",
    },
)
TREND = linear(
    "BTC",
    "0.1",
    "0.001",
    "trend",
    {"direction": "neutral", "timeframe": "1m", "investment": "15000", "leverage": "3"},
)
SMC = linear(
    "BTC",
    "0.1",
    "0.001",
    "smc",
    {
        "direction": "neutral",
        "capital": "10000",
        "swing_length": 8,
        "memory": 8,
        "smallest_score": "1",
        "volume_factor": "0.8",
        "minimum_reward": "2",
        "minimum_confidence": "45",
    },
)
HYBRID: dict[str, Any] = {
    "symbol": "BTC/USDT",
    "market": "spot",
    "timeframe": "1m",
    "strategy": "hybrid",
    "config": {
        "investment": "20000",
        "quiet_transition": "grid",
        "volatile_transition": "dca",
        "cool_down": 1,
        "max_switches": 50,
        "grid_range": "0.5",
        "grid_range_in": "percent",
        "grid_intervals": 4,
        "dca_price_deviation": "0.3",
        "dca_take_profit": "0.4",
        "dca_timeframe": "1m",
        "trend_timeframe": "1m",
        "trend_stop_atr": "3",
        "regime_timeframe": "1m",
        "regime_confirmation": 1,
    },
    "initial_balance": "100000",
    "fees": {"maker": "0.001", "taker": "0.001"},
    "precision": {"price": "0.01", "amount": "0.000001"},
    "limits": {"amount": "0.000011", "notional": "5"},
}
ETH = "binance_ETHUSDT_linear_1m_202505.parquet"
SOL = "binance_SOLUSDT_linear_1m_202505.parquet"
PRESETS = {"grid": GRID, "dca": DCA, "trend": TREND, "smc": SMC, "hybrid": HYBRID}
WINDOWS = {
    "grid": Window(ETH, "2025-05-09T08:48", 25, 30, frozenset({"grid", "entry"})),
    "dca": Window(SOL, "2025-05-23T11:03", 48, 20, frozenset({"base", "safety", "take_profit", "stop"})),
    "trend": Window(BTC, "2025-05-17T17:03", 60, 6, frozenset({"entry", "target", "stop"})),
    "smc": Window(BTC, "2025-05-17T01:18", 75, 5, frozenset({"entry", "partial", "stop"}), BTC_PAST),
    "hybrid": Window(
        BTC, "2025-05-12T14:13", 40, 10, frozenset({"grid", "entry", "base", "safety", "take_profit", "hybrid"})
    ),
}

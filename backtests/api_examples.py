"""What the API's description shows as requests."""

from __future__ import annotations

from typing import Any, Final

from drf_spectacular.utils import OpenApiExample

_MAY: Final = {"since": 1_746_057_600_000, "until": 1_748_736_000_000}
_COSTS: Final = {"initial_balance": 5000, "timeframe": "1m", "fees": {"maker": "0.0002", "taker": "0.00055"}}
_GRID: Final[dict[str, Any]] = {
    "symbol": "ETH/USDT:USDT",
    "strategy": "grid",
    "config": {"range_percent": 10, "grids": 20, "investment": 1500},
}
_TREND: Final[dict[str, Any]] = {
    "symbol": "BTC/USDT:USDT",
    "timeframe": "5m",
    "strategy": "trend",
    "config": {"investment": 1500},
}
BACK_TESTS: Final = [
    OpenApiExample(
        "One bot",
        {"preset": {**_COSTS, **_GRID}, "source": "bybit/linear/ETHUSDT", **_MAY},
        request_only=True,
    ),
    OpenApiExample(
        "A portfolio",
        {
            "preset": {
                **_COSTS,
                "market": "linear",
                "bots": [{"name": "eth-grid", **_GRID}, {"name": "btc-trend", **_TREND}],
            },
            "source": "bybit",
            **_MAY,
        },
        request_only=True,
    ),
]

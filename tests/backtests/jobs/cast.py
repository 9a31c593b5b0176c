"""What the jobs' tests ask for: a grid on a made-up market that swings, and searches over it."""

from __future__ import annotations

import copy
from typing import Any

from backtests import services
from backtests.models import BackTest, Study

PRESET: dict[str, Any] = {
    "symbol": "ETH/USDT",
    "market": "spot",
    "timeframe": "1m",
    "strategy": "grid",
    "config": {"lower": "95", "upper": "105", "grids": 10, "investment": "8000"},
    "initial_balance": 10_000,
    "fees": {"maker": "0.0002", "taker": "0.0005"},
}
SOURCE = "synthetic:sine,days=2,period=240"
SEARCH: dict[str, Any] = {
    "parameters": {"config.grids": [6, 8, 10, 12], "config.lower": ["94", "95", "96"]},
    "objectives": ["roi"],
}


def preset(**config: Any) -> dict[str, Any]:
    made = copy.deepcopy(PRESET)
    made["config"].update(config)
    return made


def back_test(source: str = SOURCE, **config: Any) -> BackTest:
    return services.request_back_test(preset=preset(**config), source=source, requested_by="alice")


def study(source: str = SOURCE, search: dict[str, Any] | None = None, **config: Any) -> Study:
    return services.request_study(preset=preset(**config), search=search or SEARCH, source=source, requested_by="alice")

"""The crosses that backtesting.py traded once: which market, which averages, which fee. Prices in quote, amounts whole units.

``make bench-peers ARGS=record`` has them traded again, into data/backtesting_py.json.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from backtests import synthetic
from backtests.synthetic import Layout
from exchange.candles.files import Candles
from strategies.indicators import ema_warmup

RECORD: Final = Path(__file__).parent / "data" / "backtesting_py.json"
COLUMNS: Final = ("timestamp", "open", "high", "low", "close", "volume")
MARKETS: Final[dict[str, Callable[[], Candles]]] = {
    "random walk": lambda: synthetic.random_walk(Layout(6000), 11, volatility=0.002),
    # The next open is not the close that was decided on.
    "price gaps": lambda: with_gaps(synthetic.random_walk(Layout(3000), 12, volatility=0.002)),
    "regimes": lambda: synthetic.regime_switching(Layout(6000), 13),
}
_CASES: Final[list[dict[str, Any]]] = [
    {"market": "random walk", "fast": 20, "slow": 50, "share": 0.99, "fee": 0.001, "money": 1_000_000.0},
    {"market": "random walk", "fast": 3, "slow": 8, "share": 0.5, "fee": 0.0, "money": 1_000_000.0},
    {"market": "price gaps", "fast": 5, "slow": 13, "share": 0.9, "fee": 0.0004, "money": 50_000.0},
    {"market": "regimes", "fast": 20, "slow": 50, "share": 0.99, "fee": 0.001, "money": 1_000_000.0},
]
CASES: Final = [{**case, "warm_up": ema_warmup(case["slow"])} for case in _CASES]


def with_gaps(candles: Candles) -> Candles:
    """Every seventh candle opens 0.5 % higher or lower than the one before closed, in turn."""
    for number, row in enumerate(range(7, len(candles), 7)):
        candles = synthetic.with_price_gap(candles, row, 0.005 if number % 2 else -0.005)
    return candles


def fingerprint(candles: Candles) -> str:
    digest = hashlib.sha256()
    for name in COLUMNS:
        digest.update(getattr(candles, name).tobytes())
    return digest.hexdigest()

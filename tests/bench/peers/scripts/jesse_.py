"""jesse's part of the comparison: its research back-test, which needs no database. It decides and trades at the close."""

# mypy: disable-error-code="import-not-found, misc"
from __future__ import annotations

import os
import tempfile
from collections.abc import Callable

import numpy as np
import work
from work import Columns, Done

# A folder that has one named strategies it takes for a project of its own, and wants that one's database.
os.chdir(tempfile.gettempdir())

import jesse.indicators as ta  # noqa: E402
from jesse import research  # noqa: E402
from jesse.strategies import Strategy  # noqa: E402

EXCHANGE, SYMBOL = "Binance Spot", "ETH-USDT"


class Cross(Strategy):
    """Both averages anew at each candle, of the last 240 closes: jesse's own way."""

    def above(self) -> bool:
        return bool(ta.ema(self.candles, work.FAST) > ta.ema(self.candles, work.SLOW))

    def should_long(self) -> bool:
        return self.above()

    def go_long(self) -> None:
        self.buy = float(int(self.available_margin * work.SHARE / self.price)), self.price

    def should_cancel_entry(self) -> bool:
        return True

    def update_position(self) -> None:
        if not self.above():
            self.liquidate()


def cross(columns: Columns) -> Callable[[], Done]:
    names = ("timestamp", "open", "close", "high", "low", "volume")
    candles = np.column_stack([np.asarray(columns[name], np.float64) for name in names])
    config = {
        "starting_balance": work.MONEY,
        "fee": work.CROSS_FEE,
        "type": "spot",
        "simulation_model": "spot",
        "annualization": 365,
        "exchange": EXCHANGE,
        "warm_up_candles": 0,
    }
    route = {"exchange": EXCHANGE, "strategy": Cross, "symbol": SYMBOL, "timeframe": "1m"}
    series = {f"{EXCHANGE}-{SYMBOL}": {"exchange": EXCHANGE, "symbol": SYMBOL, "candles": candles}}

    def call() -> Done:
        found = research.backtest(config, [route], [], series, fast_mode=True)["metrics"]
        return 2 * int(found["total"]), float(found["finishing_balance"])

    return call


if __name__ == "__main__":
    work.report({"cross": cross}, limits={"cross": 100_000})

"""What backtesting.py trades on a cross of averages: ``record_backtesting_py.py CANDLES.npz PARAMETERS.json OUT.json``.

Runs in backtesting.py's environment, with nothing of ours. The rule is that of tests/backtests/ema_cross.py: when a candle
has closed with the fast average above the slow one, buy at the next open for a share of the money, in whole units; when it
is below, sell all of it at the next open. The averages begin with the first close; they are acted upon when as many candles
have closed as ours wait for (``warm_up``).
"""

# mypy: disable-error-code="import-not-found, misc"
from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import backtesting
import numpy as np
import pandas as pd


def ema(close: Any, period: int, known_from: int) -> Any:
    """0 until it is known: the library would skip the candles of a NaN and one more."""
    average = pd.Series(close).ewm(span=period, adjust=False).mean()
    average.iloc[: known_from - 1] = 0.0
    return average.to_numpy()


class Cross(backtesting.Strategy):
    fast = 20
    slow = 50
    share = 0.99
    warm_up = 50

    def init(self) -> None:
        self.quick = self.I(ema, self.data.Close, self.fast, self.warm_up)
        self.lazy = self.I(ema, self.data.Close, self.slow, self.warm_up)

    def next(self) -> None:
        if self.quick[-1] > self.lazy[-1] and not self.position:
            self.buy(size=self.share)
        elif self.quick[-1] < self.lazy[-1] and self.position:
            self.position.close()


def commission_of(rate: float) -> Any:
    """An order for a share of the money asks for its commission before its size is known: ours sizes without the fee."""

    def commission(size: float, price: float) -> float:
        return 0.0 if abs(size) < 1 else abs(size) * price * rate

    return commission


def recorded(candles: dict[str, Any], parameters: dict[str, Any]) -> dict[str, Any]:
    index = pd.to_datetime(candles["timestamp"], unit="ms")
    columns = {name: candles[name.lower()] for name in ("Open", "High", "Low", "Close", "Volume")}
    test = backtesting.Backtest(
        pd.DataFrame(columns, index),
        Cross,
        cash=parameters["money"],
        commission=commission_of(parameters["fee"]),
        trade_on_close=False,
        exclusive_orders=False,
        finalize_trades=False,
    )
    found = test.run(**{name: parameters[name] for name in ("fast", "slow", "share", "warm_up")})
    trades = found["_trades"]
    return {
        **parameters,
        "entry": [int(candles["timestamp"][bar]) for bar in trades["EntryBar"]],
        "exit": [int(candles["timestamp"][bar]) for bar in trades["ExitBar"]],
        "size": trades["Size"].tolist(),
        "entry_price": trades["EntryPrice"].tolist(),
        "exit_price": trades["ExitPrice"].tolist(),
        "profit": trades["PnL"].tolist(),
        "final_equity": float(found["_equity_curve"]["Equity"].iloc[-1]),
        "lowest_equity": float(found["_equity_curve"]["Equity"].min()),
    }


def main() -> None:
    candles, wanted, out = sys.argv[1:]
    table = np.load(candles)
    cases = []
    for parameters in json.loads(Path(wanted).read_text()):
        columns = {
            name: table[f"{parameters['market']}/{name}"]
            for name in ("timestamp", "open", "high", "low", "close", "volume")
        }
        cases.append(recorded(columns, parameters))
    lines = ",\n".join(json.dumps(case) for case in cases)
    Path(out).write_text(f'{{"library": "backtesting.py {backtesting.__version__}", "cases": [\n{lines}\n]}}\n')


if __name__ == "__main__":
    main()

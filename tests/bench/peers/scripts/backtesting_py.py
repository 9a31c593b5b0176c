"""backtesting.py's part of the comparison. Orders are decided at the close and filled in the next candle."""

# mypy: disable-error-code="import-not-found, misc"
from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import backtesting
import pandas as pd
import work
from work import Columns, Done

# It writes a progress bar otherwise; and tells of each trade that is open at the end.
backtesting.backtesting._tqdm = lambda sequence, **_: sequence
warnings.filterwarnings("ignore")


def ema(close: Any, period: int) -> Any:
    return pd.Series(close).ewm(span=period, adjust=False).mean()


class Cross(backtesting.Strategy):
    fast = work.FAST
    slow = work.SLOW

    def init(self) -> None:
        self.quick = self.I(ema, self.data.Close, self.fast)
        self.lazy = self.I(ema, self.data.Close, self.slow)

    def next(self) -> None:
        if self.quick[-1] > self.lazy[-1]:
            if not self.position:
                self.buy(size=work.SHARE)
        elif self.position and self.quick[-1] < self.lazy[-1]:
            self.position.close()


class Grid(backtesting.Strategy):
    """Each interval is an order with a take profit; when its trade is over it is ordered again."""

    def init(self) -> None:
        self.lines = work.grid_lines()
        self.over = 0

    def order(self, interval: int) -> None:
        below, above, size = self.lines[interval], self.lines[interval + 1], work.GRID_AMOUNT
        if self.sells[interval]:
            self.sell(size=size, limit=above, tp=below, tag=interval)
        else:
            self.buy(size=size, limit=below, tp=above, tag=interval)

    def next(self) -> None:
        if not hasattr(self, "sells"):
            self.sells = [above > self.data.Close[-1] for above in self.lines[1:]]
            for interval in range(work.GRID_INTERVALS):
                self.order(interval)
        while self.over < len(self.closed_trades):
            self.order(self.closed_trades[self.over].tag)
            self.over += 1


class Dca(backtesting.Strategy):
    def init(self) -> None:
        self.filled = -1  # orders of the deal that were filled
        self.profit = None

    def next(self) -> None:
        held = len(self.trades)
        if not held and not (self.orders and self.filled < 0):
            for order in list(self.orders):
                order.cancel()
            self.buy(size=float(int(work.DCA_BASE / self.data.Close[-1])))
            self.filled = -1
        elif held and held != self.filled:
            if self.filled < 0:
                for price, amount in work.safety_ladder(self.trades[0].entry_price):
                    self.buy(size=amount, limit=price)
            self.filled = held
            amount = sum(trade.size for trade in self.trades)
            average = sum(trade.size * trade.entry_price for trade in self.trades) / amount
            for trade in self.trades:
                trade.tp = average * (1.0 + work.DCA_PROFIT)


def prepared(strategy: Any, fee: float, **settings: Any) -> Callable[[Columns], Callable[[], Done]]:
    def prepare(columns: Columns) -> Callable[[], Done]:
        index = pd.to_datetime(columns["timestamp"], unit="ms")
        named = {name: columns[name.lower()] for name in ("Open", "High", "Low", "Close", "Volume")}
        frame = pd.DataFrame(named, index)
        test = backtesting.Backtest(frame, strategy, cash=work.MONEY, commission=fee, **settings)

        def call() -> Done:
            found = test.run()
            return 2 * int(found["# Trades"]), float(found["Equity Final [$]"])

        return call

    return prepare


def sweep(columns: Columns) -> Callable[[], Done]:
    """A part of the combinations, one after the other: each is told by the time that it takes."""

    def call() -> Done:
        frame = {name: columns[name.lower()] for name in ("Open", "High", "Low", "Close", "Volume")}
        test = backtesting.Backtest(
            pd.DataFrame(frame, pd.to_datetime(columns["timestamp"], unit="ms")),
            Cross,
            cash=work.MONEY,
            commission=work.CROSS_FEE,
        )
        tried = work.SWEEP[:: len(work.SWEEP) // 8]
        best = max(float(test.run(fast=fast, slow=slow)["Return [%]"]) for fast, slow in tried)
        return len(tried), best

    return call


if __name__ == "__main__":
    work.report(
        {
            "cross": prepared(Cross, work.CROSS_FEE),
            "grid": prepared(Grid, work.GRID_FEE, hedging=True, margin=0.1),
            "dca": prepared(Dca, work.DCA_FEE),
            "sweep": sweep,
        }
    )

"""vectorbt's part of the comparison. It knows market orders only: the grid's lines are met by a function of ours."""

# mypy: disable-error-code="import-not-found"
from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import vectorbt as vbt
import work
from numba import njit
from vectorbt.portfolio import nb
from vectorbt.portfolio.enums import Direction
from work import Columns, Done


def portfolio(columns: Columns, fast: Any, slow: Any) -> Any:
    """A signal of one candle's close is traded at the next one's open."""
    close, opened = pd.Series(columns["close"]), pd.Series(columns["open"])
    quick = vbt.MA.run(close, fast, ewm=True).ma
    lazy = vbt.MA.run(close, slow, ewm=True).ma
    if isinstance(quick, pd.DataFrame):
        quick.columns = lazy.columns = pd.RangeIndex(quick.shape[1])
    above, below = quick > lazy, quick < lazy
    return vbt.Portfolio.from_signals(
        close,
        above.vbt.signals.fshift(1),
        below.vbt.signals.fshift(1),
        price=opened,
        size=work.SHARE,
        size_type="percent",
        fees=work.CROSS_FEE,
        init_cash=work.MONEY,
        freq="1min",
    )


def cross(columns: Columns) -> Callable[[], Done]:
    def call() -> Done:
        found = portfolio(columns, work.FAST, work.SLOW)
        return int(found.orders.count()), float(found.value().iloc[-1])

    return call


def cross_with_statistics(columns: Columns) -> Callable[[], Done]:
    def call() -> Done:
        found = portfolio(columns, work.FAST, work.SLOW).stats()
        return 2 * int(found["Total Closed Trades"]), float(found["End Value"])

    return call


@njit
def grid_orders(c: Any, lines: Any, opening: Any, done: Any, next_interval: Any, high: Any, low: Any) -> Any:
    """Each call gives one order of this candle: of the next interval whose line lies within it."""
    if c.call_idx == 0:
        next_interval[0] = 0
    while next_interval[0] < len(opening):
        interval = next_interval[0]
        next_interval[0] += 1
        buys = (opening[interval] > 0) != (done[interval] % 2 == 1)
        price = lines[interval] if buys else lines[interval + 1]
        if (low[c.i] <= price) if buys else (high[c.i] >= price):
            done[interval] += 1
            size = work.GRID_AMOUNT if buys else -work.GRID_AMOUNT
            return c.from_col, nb.order_nb(size=size, price=price, fees=work.GRID_FEE, direction=Direction.Both)
    return -1, nb.order_nothing_nb()


def grid(columns: Columns) -> Callable[[], Done]:
    close = pd.Series(columns["close"])
    lines = work.grid_lines()
    opening = np.where(lines[1:] > columns["open"][0], -1, 1)

    def call() -> Done:
        found = vbt.Portfolio.from_order_func(
            close,
            grid_orders,
            lines,
            opening,
            np.zeros(len(opening), np.int64),
            np.zeros(1, np.int64),
            columns["high"],
            columns["low"],
            flexible=True,
            max_orders=len(close),
            init_cash=work.MONEY,
        )
        return int(found.orders.count()), float(found.value().iloc[-1])

    return call


def sweep(columns: Columns) -> Callable[[], Done]:
    """All combinations at once, a column each."""

    def call() -> Done:
        found = portfolio(columns, [fast for fast, _ in work.SWEEP], [slow for _, slow in work.SWEEP])
        return len(work.SWEEP), float((found.total_return(), found.max_drawdown())[0].max())

    return call


if __name__ == "__main__":
    work.report({"cross": cross, "cross-statistics": cross_with_statistics, "grid": grid, "sweep": sweep})

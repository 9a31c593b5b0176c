"""hftbacktest's part of the comparison: it replays trades, so each candle is four of them, in the order of our points.

A trade lower than the one before was a sell, which fills resting buys down to its price; a higher one fills sells. Without
order book depth nobody stands before an order.
"""

# mypy: disable-error-code="import-not-found"
from __future__ import annotations

from collections.abc import Callable
from typing import Any

import hftbacktest as hft
import numpy as np
import work
from hftbacktest.types import event_dtype
from numba import njit
from work import Columns, Done

MILLISECOND = 1_000_000
DAY = 86_400_000 * MILLISECOND
# Of a minute, in ms: where its open, its first and second extreme and its close stand.
POINTS = (0, 20_000, 40_000, 59_999)
LOTS = 1e9  # more than any order in a queue


def trades(columns: Columns) -> Any:
    opened, high, low, close = (columns[name] for name in ("open", "high", "low", "close"))
    # The nearer extreme first; what is equally near may differ in the last bits.
    high_first = (opened - low) - (high - opened) > 1e-12 * opened
    path = np.column_stack([opened, np.where(high_first, high, low), np.where(high_first, low, high), close]).ravel()
    found = np.zeros(len(path), event_dtype)
    falls = np.diff(path, prepend=path[0]) < 0.0
    found["ev"] = hft.TRADE_EVENT | hft.EXCH_EVENT | hft.LOCAL_EVENT
    found["ev"] |= np.where(falls, np.uint64(hft.SELL_EVENT), np.uint64(hft.BUY_EVENT))
    found["exch_ts"] = found["local_ts"] = np.add.outer(columns["timestamp"], POINTS).ravel() * MILLISECOND
    found["px"], found["qty"] = path, LOTS
    return found


@njit
def send(hbt: Any, sent: int, buys: bool, lower: float, upper: float) -> None:
    if buys:
        hbt.submit_buy_order(0, sent, lower, work.GRID_AMOUNT, hft.GTC, hft.LIMIT, False)
    else:
        hbt.submit_sell_order(0, sent, upper, work.GRID_AMOUNT, hft.GTC, hft.LIMIT, False)


@njit
def run(hbt: Any, lines: Any, price: float) -> int:
    """Each interval has one order; when it is filled its counterpart is sent. Says how many were filled."""
    count = len(lines) - 1
    buys = np.empty(count, np.bool_)
    number = np.empty(count, np.uint64)
    hbt.wait_next_feed(False, DAY)
    for interval in range(count):
        buys[interval] = not lines[interval + 1] > price
        number[interval] = interval
        send(hbt, interval, buys[interval], lines[interval], lines[interval + 1])
    sent, filled = count, 0
    while hbt.wait_next_feed(True, DAY) != 1:
        if hbt.state_values(0).num_trades == filled:
            continue
        orders = hbt.orders(0)
        for interval in range(count):
            if orders.get(number[interval]).status == hft.FILLED:
                filled += 1
                buys[interval] = not buys[interval]
                number[interval] = sent
                send(hbt, sent, buys[interval], lines[interval], lines[interval + 1])
                sent += 1
        hbt.clear_inactive_orders(0)
    return filled


def grid(columns: Columns) -> Callable[[], Done]:
    events, lines = trades(columns), work.grid_lines()

    def call() -> Done:
        asset = (
            hft.BacktestAsset()
            .data(events)
            .linear_asset(1.0)
            .constant_order_latency(0, 0)
            .risk_adverse_queue_model()
            .no_partial_fill_exchange()
            .trading_value_fee_model(work.GRID_FEE, work.GRID_FEE)
            .tick_size(0.01)
            .lot_size(1.0)
        )
        hbt = hft.HashMapMarketDepthBacktest([asset])
        filled = run(hbt, lines, float(columns["open"][0]))
        state = hbt.state_values(0)
        money = work.MONEY + state.balance - state.fee + state.position * float(columns["close"][-1])
        hbt.close()
        return filled, float(money)

    return call


if __name__ == "__main__":
    work.report({"grid": grid})

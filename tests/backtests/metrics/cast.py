"""Small runs that can be worked out by hand."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from backtests.metrics.inputs import EquityCurve, Fills, Trades

DAY = 86_400_000
# 2025-01-01 00:00 UTC
START = 1_735_689_600_000


def curve(
    equity: Sequence[float],
    *,
    initial: float = 1000.0,
    candle: int = DAY,
    start: int = START,
    exposure: Sequence[float] | None = None,
) -> EquityCurve:
    """One row at the end of each candle, without holes."""
    return EquityCurve(
        timestamp=start + candle * np.arange(1, len(equity) + 1, dtype=np.int64),
        equity=np.array(equity, dtype=np.float64),
        started_at=start,
        initial=initial,
        exposure=None if exposure is None else np.array(exposure, dtype=np.float64),
    )


def trades(
    profits: Sequence[float], *, mae: Sequence[float] | None = None, mfe: Sequence[float] | None = None
) -> Trades:
    """One a day, each two hours long."""
    profit = np.array(profits, dtype=np.float64)
    count = len(profit)
    closed = START + DAY * np.arange(1, count + 1, dtype=np.int64)
    ones = np.ones(count)
    return Trades(
        opened_at=closed - 7_200_000,
        closed_at=closed,
        side=np.ones(count, dtype=np.int8),
        amount=ones,
        entry_price=100.0 * ones,
        exit_price=100.0 + profit,
        profit=profit,
        fees=0.0 * ones,
        mae=np.minimum(profit, 0.0) if mae is None else np.array(mae, dtype=np.float64),
        mfe=np.maximum(profit, 0.0) if mfe is None else np.array(mfe, dtype=np.float64),
    )


def fills(rows: Sequence[tuple[float, int, float, float, float]], *, maker: Sequence[bool] | None = None) -> Fills:
    """(minutes after the start, side, price, amount, fee)."""
    minutes, side, price, amount, fee = zip(*rows, strict=True) if rows else ((), (), (), (), ())
    return Fills(
        timestamp=START + (60_000 * np.array(minutes, dtype=np.float64)).astype(np.int64),
        side=np.array(side, dtype=np.int8),
        price=np.array(price, dtype=np.float64),
        amount=np.array(amount, dtype=np.float64),
        fee=np.array(fee, dtype=np.float64),
        is_maker=np.ones(len(rows), dtype=np.bool_) if maker is None else np.array(maker, dtype=np.bool_),
    )

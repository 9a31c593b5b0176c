"""The candles of a run, one after the other, most of them passed over because nothing can happen in them.

A candle is passed over when its prices, from the close before it on, stay where no order is met and the strategy would
change nothing (``quiet`` in ``strategies/kernel.py``). All others are walked through point by point.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from backtests.loop.money import liquidation_price
from backtests.loop.orders import has_both, reach, reconcile
from backtests.loop.prices import goes_high_first
from backtests.loop.records import AS_BEFORE, FINISHED, FULL, LIQUIDATED, PAUSED, Funding, Path, Rows
from backtests.loop.segment import move
from backtests.loop.sending import deliver, send
from strategies.compiled import Compiled, compiled
from strategies.kernel import FOREVER, NO_ROW, OTHER_VALUES, KernelStrategy, QuietRows, Tick

if TYPE_CHECKING:
    from backtests.loop.records import Floats


_LOOPS: dict[type, Compiled[..., int]] = {}


@compiled
def advance(p: Any, s: Any, tick: Tick, row: Any, fills: Any, count: int, notes: Any) -> bool:
    """In the place of a strategy's own."""
    return False


@compiled
def wanted(p: Any, s: Any, orders: Any) -> int:
    """In the place of a strategy's own."""
    return 0


@compiled
def quiet(p: Any, s: Any, tick: Tick) -> QuietRows:
    """In the place of a strategy's own."""
    return -math.inf, math.inf, 1 << 62, NO_ROW


@compiled
def decide(
    p: Any, s: Any, terms: Any, t: Any, a: Any, candle_close: int, price: float, point: int, timestamp: int
) -> None:
    """One tick: the strategy's step, and what follows from it at the market standing at ``price``."""
    if a.sending > 0:
        deliver(terms, t, a, price, point, timestamp)
    if timestamp >= a.retry_at:
        a.refusing, a.retry_at = True, FOREVER
    held = a.amount != 0.0
    tick = Tick(
        timestamp,
        price,
        candle_close,
        a.amount,
        a.cost / a.amount if held else 0.0,
        a.realised,
        a.amount * price - a.cost if held else 0.0,
    )
    count = a.seen
    a.seen = 0
    a.steps += 1
    a.over = advance(p, s, tick, t.row, t.seen, count, t.notes) or a.over
    rows = wanted(p, s, t.wanted)
    if terms.latency > 0:
        send(terms, t, a, rows, count > 0, timestamp)
    else:
        if rows != AS_BEFORE:
            a.wanted = rows
        if a.wanted == 0 and a.active == 0:
            a.refusing, a.retry_at = False, FOREVER
        elif rows != AS_BEFORE or count > 0 or a.refusing:
            reconcile(terms, t, a, 0, a.wanted, price, point, timestamp)
    a.quiet_low, a.quiet_high, a.until, a.rows_matter = quiet(p, s, tick)
    a.until = min(a.until, a.retry_at)
    if a.sending > 0:
        a.until = min(a.until, t.due[a.first_sent])
    if a.active > 0:
        reach(t, a)
    else:
        a.low, a.high = a.quiet_low, a.quiet_high
    if terms.maintenance > 0.0:
        stop_at_ruin(terms, a)


@compiled
def stop_at_ruin(terms: Any, a: Any) -> None:
    """No candle is passed over in which the account would be liquidated."""
    ruin = liquidation_price(terms, a)
    if math.isnan(ruin):
        return
    if a.amount + a.beside > 0.0:
        a.low = max(a.low, ruin)
    else:
        a.high = min(a.high, ruin)


@compiled
def pay_funding(funding: Funding, a: Any, timestamp: int, price: float) -> None:
    """What has fallen due by now, on the position at the price of now."""
    while a.funding_next < len(funding.timestamp) and funding.timestamp[a.funding_next] <= timestamp:
        paid = a.amount * price * funding.rate[a.funding_next] if a.started else 0.0
        a.quote -= paid
        a.realised -= paid
        a.funding += paid
        a.funding_next += 1


@compiled
def run(
    p: Any,
    s: Any,
    terms: Any,
    path: Path,
    rows: Rows,
    funding: Funding,
    t: Any,
    a: Any,
    equity: Floats,
    end: int,
) -> int:
    """From candle ``a.candle`` up to ``end``, or to where ``a.points`` more are walked through and the next one would be.
    ``equity`` is filled at every candle's close. Says how it stands then."""
    third = terms.length // 3
    two_thirds = 2 * terms.length // 3
    shown, columns = t.row, rows.values.shape[1]
    i = a.candle
    while i < end:
        high, low, close = path.high[i], path.low[i], path.close[i]
        start = path.timestamp[i]
        row = rows.of_candle[i]
        due = a.funding_next < len(funding.timestamp) and funding.timestamp[a.funding_next] < start + terms.length
        news = row != a.row and a.rows_matter != NO_ROW
        if news and a.rows_matter == OTHER_VALUES:
            news = False
            for column in range(columns):
                if rows.values[row, column] != shown[column]:  # so is a NaN, of itself too
                    news = True
        if (
            a.started
            and a.quarter == 0
            and not due
            and a.seen == 0
            and not a.refusing
            and min(low, a.price) > a.low
            and max(high, a.price) < a.high
            and start + terms.length <= a.until
            and not news
        ):
            a.price = close
            equity[i] = a.quote + a.amount * close
            i += 1
            continue
        if a.fills > t.full_at:
            a.candle = i
            return FULL
        opened = path.open[i]
        high_first = goes_high_first(opened, high, low) if a.quarter == 0 else a.high_first
        if terms.share > 0.0 or terms.impact > 0.0:
            a.volume = float(path.volume[i])
        if a.quarter == 0:
            a.taken = 0.0
        for quarter in range(a.quarter, 4):
            if a.points == 0:
                a.candle, a.quarter, a.high_first = i, quarter, high_first
                return PAUSED
            a.points -= 1
            if quarter == 0:
                price, timestamp = opened, start
            elif quarter == 1:
                if terms.pessimistic and a.amount != 0.0 and has_both(t, a, low, high):
                    high_first = a.amount < 0.0
                price, timestamp = (high if high_first else low), start + third
            elif quarter == 2:
                price, timestamp = (low if high_first else high), start + two_thirds
            else:
                price, timestamp = close, start + terms.length - 1
            point = 4 * i + quarter
            if (a.started and a.active > 0) or a.amount != 0.0 or a.beside != 0.0:
                move(terms, t, a, a.price, price, point, timestamp)
            a.price = price
            if due:
                pay_funding(funding, a, timestamp, price)
            if a.liquidated:
                equity[i] = a.quote
                a.candle = i + 1
                return LIQUIDATED
            if (
                not a.started
                or due
                or a.seen > 0
                or a.refusing
                or not a.quiet_low < price < a.quiet_high
                or timestamp >= a.until
                or (news and row != a.row)
            ):
                a.started = True
                if row != a.row:
                    for column in range(columns):
                        shown[column] = rows.values[row, column]
                    a.row = row
                decide(p, s, terms, t, a, rows.closes[row], price, point, timestamp)
                if a.over and a.active == 0 and a.sending == 0:
                    equity[i] = a.quote + a.amount * price
                    a.candle = i + 1
                    return FINISHED
                if (
                    not due
                    and a.seen == 0
                    and not a.refusing
                    and low > a.low
                    and high < a.high
                    and start + terms.length <= a.until
                ):
                    break  # nothing can happen in the rest of the candle
        a.price = close
        a.quarter = 0
        equity[i] = a.quote + a.amount * close
        i += 1
    a.candle = i
    return PAUSED


def loop_of(strategy: KernelStrategy[Any, Any, Any]) -> Compiled[..., int]:
    """The loop with a strategy's own step in it: each once in a process, as making it loads its machine code, or compiles
    it the first time."""
    kind = type(strategy)
    if kind not in _LOOPS:
        parts = {"advance": strategy.advance, "wanted": strategy.wanted, "quiet": strategy.quiet}
        _LOOPS[kind] = run.with_parts(kind.__name__, decide=decide.with_parts(kind.__name__, **parts))
    return _LOOPS[kind]

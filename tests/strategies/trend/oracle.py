"""A trend follower worked out naively from docs/strategies/trend.md: loops over plain lists, no code in common.

Market entries on linear markets, one candle at a time, four points each. Indicators in floats (as the rules have them),
orders and fills in decimals.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import ROUND_FLOOR, ROUND_HALF_EVEN, Decimal

Bar = tuple[int, float, float, float, float, float]  # open time, open, high, low, close, volume


@dataclass(frozen=True)
class Rules:
    """Percentages as 1 for 1 %; ``targets`` are (R, percent). ``settled`` is the first row that may be looked at."""

    settled: int
    candle_ms: int
    sides: tuple[int, ...] = (1, -1)
    fast: int = 20
    slow: int = 50
    period: int = 14
    adx_min: float = 20.0
    fall_over: int = 14
    fall: float = 8.0
    stretch: float = 4.0
    pullback: int = 3
    zone: float = 0.25
    pullback_volume: float = 1.0
    breakout: int = 20
    breakout_volume: float = 1.5
    volume: int = 20
    stop_atr: float = 2.0
    targets: tuple[tuple[str, str], ...] = (("1.5", "50"), ("3", "25"))
    break_even: float | None = 1.0
    trail_from: float | None = 1.5
    trail_atr: float = 2.5
    investment: float = 10_000.0
    risk: float = 1.0
    leverage: float = 1.0
    max_position: float = 95.0
    max_losses: int = 3
    loss_pause: int = 24
    daily_loss: float | None = 3.0
    tick: Decimal = Decimal("0.01")
    step: Decimal = Decimal("0.01")
    maker: Decimal = Decimal("0.0002")
    taker: Decimal = Decimal("0.00055")


@dataclass
class Trade:
    """``targets`` are (number, price, amount) of those that rest. ``seen``: the strategy knows of the entry's fill."""

    side: int
    price: Decimal
    stop: Decimal
    amount: Decimal
    risk: Decimal
    left: Decimal
    pnl: Decimal
    targets: list[tuple[int, Decimal, Decimal]] = field(default_factory=list)
    even: bool = False
    trailing: bool = False
    seen: bool = False

    def tighten(self, stop: Decimal) -> None:
        self.stop = max(self.stop, stop) if self.side > 0 else min(self.stop, stop)


Fill = tuple[int, str, str, Decimal, Decimal]


def to_tick(value: float, tick: Decimal) -> Decimal:
    return (Decimal(repr(value)) / tick).quantize(Decimal(1), ROUND_HALF_EVEN) * tick


def down(value: Decimal, step: Decimal) -> Decimal:
    nearest = (value / step).quantize(Decimal(1), ROUND_HALF_EVEN)
    if abs(value / step - nearest) < Decimal("1e-9"):
        return nearest * step
    return (value / step).quantize(Decimal(1), ROUND_FLOOR) * step


def ema(values: Sequence[float], period: int) -> list[float]:
    found = [values[0]]
    for value in values[1:]:
        found.append(found[-1] + (value - found[-1]) * 2 / (period + 1))
    return found


def wilder(bars: Sequence[Bar], period: int) -> tuple[list[float], list[float], list[float], list[float]]:
    """ATR, ADX, +DI and −DI by Wilder's averages; the first values are not settled and are not looked at."""
    n = len(bars)
    ranges, plus, minus = [bars[0][2] - bars[0][3]], [0.0], [0.0]
    for i in range(1, n):
        _, _, high, low, _, _ = bars[i]
        last_close, last_high, last_low = bars[i - 1][4], bars[i - 1][2], bars[i - 1][3]
        ranges.append(max(high - low, abs(high - last_close), abs(low - last_close)))
        up, fell = high - last_high, last_low - low
        plus.append(up if up > fell and up > 0 else 0.0)
        minus.append(fell if fell > up and fell > 0 else 0.0)

    def smooth(values: Sequence[float]) -> list[float]:
        found = [values[0]]
        for value in values[1:]:
            found.append(found[-1] + (value - found[-1]) / period)
        return found

    atr, up_mean, down_mean = smooth(ranges), smooth(plus), smooth(minus)
    plus_di = [100 * u / r if r else 0.0 for u, r in zip(up_mean, atr, strict=True)]
    minus_di = [100 * d / r if r else 0.0 for d, r in zip(down_mean, atr, strict=True)]
    dx = [100 * abs(p - m) / (p + m) if p + m else 0.0 for p, m in zip(plus_di, minus_di, strict=True)]
    return atr, smooth(dx), plus_di, minus_di


def signals(bars: Sequence[Bar], rules: Rules) -> tuple[list[int], list[float]]:
    """For each row +1, −1 or 0, and the ATR."""
    close = [bar[4] for bar in bars]
    fast, slow = ema(close, rules.fast), ema(close, rules.slow)
    atr, adx, plus, minus = wilder(bars, rules.period)
    found = [0] * len(bars)
    for i in range(rules.settled, len(bars)):
        if adx[i] < rules.adx_min:
            continue
        if fast[i] > slow[i] and close[i] > slow[i] and plus[i] > minus[i]:
            side = 1
        elif fast[i] < slow[i] and close[i] < slow[i] and plus[i] < minus[i]:
            side = -1
        else:
            continue
        if max(adx[i - rules.fall_over + 1 : i + 1]) - adx[i] >= rules.fall:
            continue
        if side * (close[i] - fast[i]) > rules.stretch * atr[i]:
            continue
        usual = math.fsum(bar[5] for bar in bars[i - rules.volume + 1 : i + 1]) / rules.volume
        ratio = bars[i][5] / usual
        before = bars[i - rules.breakout : i]
        if side > 0:
            broke = close[i] > max(bar[2] for bar in before)
        else:
            broke = close[i] < min(bar[3] for bar in before)
        touched = any(
            bars[j][3] <= fast[j] + rules.zone * atr[j] if side > 0 else bars[j][2] >= fast[j] - rules.zone * atr[j]
            for j in range(i - rules.pullback + 1, i + 1)
        )
        back = touched and side * (close[i] - fast[i]) > 0 and side * (close[i] - bars[i][1]) > 0
        if (broke and ratio >= rules.breakout_volume) or (back and ratio >= rules.pullback_volume):
            found[i] = side
    return found, atr


def trend_fills(bars: Sequence[Bar], rules: Rules) -> list[Fill]:
    """(point, slot, side, price, amount) of every fill."""
    return _Walk(bars, rules).through()


class _Walk:
    """Four points per candle: what rests is filled on the way to a point, then the strategy decides there."""

    def __init__(self, bars: Sequence[Bar], rules: Rules) -> None:
        self.bars, self.rules = bars, rules
        self.signal, self.atr = signals(bars, rules)
        self.fills: list[Fill] = []
        self.trade: Trade | None = None
        self.realised = Decimal(0)
        self.losses, self.paused_until = 0, -1
        self.day, self.day_start = -1, Decimal(0)

    def through(self) -> list[Fill]:
        rules, last = self.rules, None
        thirds = (0, rules.candle_ms // 3, 2 * rules.candle_ms // 3, rules.candle_ms - 1)
        for row, bar in enumerate(self.bars):
            o, h, low, c = (Decimal(repr(value)) for value in bar[1:5])
            path = (o, h, low, c) if h - o < o - low else (o, low, h, c)
            for k, price in enumerate(path):
                self.point = 4 * row + k
                if self.trade is not None and self.trade.seen and last is not None:
                    self._on_the_way(self.trade, last, price)
                last = price
                self._decide(bar[0] + thirds[k], price, row - 1 if k == 0 and row > rules.settled else None)
        return self.fills

    def _out(self, trade: Trade, slot: str, price: Decimal, amount: Decimal, fee: Decimal) -> None:
        self.fills.append((self.point, slot, "sell" if trade.side > 0 else "buy", price, amount))
        trade.pnl += trade.side * (price - trade.price) * amount - price * amount * fee
        trade.left -= amount

    def _on_the_way(self, trade: Trade, start: Decimal, end: Decimal) -> None:
        best, worst = (max(start, end), min(start, end)) if trade.side > 0 else (min(start, end), max(start, end))
        for target in list(trade.targets):
            if trade.side * (best - target[1]) >= 0:
                trade.targets.remove(target)
                self._out(trade, f"target:{target[0]}", target[1], target[2], self.rules.maker)
        if trade.left and trade.side * (worst - trade.stop) <= 0:
            self._out(trade, "stop", trade.stop, trade.left, self.rules.taker)

    def _decide(self, now: int, price: Decimal, closed: int | None) -> None:
        """``closed`` is the row of the candle that closed just now."""
        if now // 86_400_000 != self.day:
            self.day = now // 86_400_000
            self.day_start = self.realised + (self.trade.pnl if self.trade is not None else 0)
        trade = self.trade
        if trade is None:
            if closed is not None and self.signal[closed] in self.rules.sides:
                self._enter(self.signal[closed], now, price, self.atr[closed])
        elif not trade.left:
            self._end(trade, now)
        else:
            if closed is not None and trade.trailing:
                behind = self.bars[closed][4] - trade.side * self.rules.trail_atr * self.atr[closed]
                trade.tighten(to_tick(behind, self.rules.tick))
            self._follow(trade, price)
            is_new, trade.seen = not trade.seen, True
            if trade.side * (price - trade.stop) <= 0:  # no stop can be placed any more: out at market
                self._out(trade, "stop", price, trade.left, self.rules.taker)
            elif is_new:
                self._lay_out(trade, price)

    def _end(self, trade: Trade, now: int) -> None:
        self.trade = None
        self.realised += trade.pnl
        self.losses = self.losses + 1 if trade.pnl < 0 else 0
        if self.rules.max_losses and self.losses >= self.rules.max_losses:
            self.paused_until, self.losses = now + self.rules.loss_pause * self.rules.candle_ms, 0

    def _follow(self, trade: Trade, price: Decimal) -> None:
        rules, far = self.rules, trade.side * (price - trade.price)
        if rules.trail_from is not None and far >= Decimal(str(rules.trail_from)) * trade.risk:
            trade.trailing = True
        if rules.break_even is None or trade.even or far < Decimal(str(rules.break_even)) * trade.risk:
            return
        even = to_tick(float(trade.price * (1 + trade.side * 2 * rules.taker)), rules.tick)
        if trade.side * (price - even) > 0:
            trade.even = True
            trade.tighten(even)

    def _lay_out(self, trade: Trade, price: Decimal) -> None:
        carried = Decimal(0)
        for number, (multiple, percent) in enumerate(self.rules.targets, start=1):
            carried += trade.amount * Decimal(percent) / 100
            amount = down(carried, self.rules.step)
            if amount > 0:
                goal = to_tick(float(trade.price + trade.side * Decimal(multiple) * trade.risk), self.rules.tick)
                carried -= amount
                if trade.side * (price - goal) >= 0:  # it crosses
                    self._out(trade, f"target:{number}", price, amount, self.rules.taker)
                else:
                    trade.targets.append((number, goal, amount))

    def _enter(self, side: int, now: int, price: Decimal, atr: float) -> None:
        rules = self.rules
        equity, lost = Decimal(str(rules.investment)) + self.realised, self.day_start - self.realised
        if now < self.paused_until:
            return
        if rules.daily_loss is not None and 0 < lost >= (equity + lost) * Decimal(str(rules.daily_loss)) / 100:
            return
        stop = to_tick(float(price) - side * rules.stop_atr * atr, rules.tick)
        risk = side * (price - stop)
        wished = equity * Decimal(str(rules.risk)) / 100 / (risk + (price + stop) * rules.taker)
        most = equity * Decimal(str(rules.max_position)) / 100 * Decimal(str(rules.leverage)) / price
        amount = down(min(wished, most), rules.step)
        if amount > 0 and amount * price >= 5:
            self.trade = Trade(side, price, stop, amount, risk, left=amount, pnl=-price * amount * rules.taker)
            self.fills.append((self.point, "entry", "buy" if side > 0 else "sell", price, amount))

"""A naive grid over candles, written from the rules alone: what every faster or fuller machinery has to reproduce.

It shares no code with the strategy, the matching engine or the back-test. Timing: a candle is four points (open, the
nearer extreme, the farther one, close; low first where both are equally near). At every point first the orders that
rest are held against the way from the point before, then the strategy acts once. What it sends at a point trades at
once at that point's price when it is a market order or crosses, else it rests and can trade from the next way on.
What trades at once is known to the strategy only at the next point: so the entry goes out at point 0 together with
the orders that wait, and the closing orders of what it bought follow at point 1.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import ROUND_FLOOR, ROUND_HALF_EVEN, Decimal, localcontext
from typing import NamedTuple


class OracleFill(NamedTuple):
    point: int  # counts four per candle from 0; a resting order's fill belongs to the point the price arrives at
    side: str
    price: Decimal
    amount: Decimal
    slot: str


@dataclass(frozen=True)
class GridRules:
    lower: Decimal
    upper: Decimal
    grids: int
    investment: Decimal
    tick: Decimal
    step: Decimal
    spacing: str = "arithmetic"
    amount_mode: str = "quote"
    direction: str = "long"
    leverage: Decimal = Decimal(1)
    buyer_pays_in_base: bool = False
    maker_fee: Decimal = Decimal(0)
    taker_fee: Decimal = Decimal(0)


def price_path(candles: Iterable[tuple[Decimal, Decimal, Decimal, Decimal]]) -> list[Decimal]:
    """(open, high, low, close) of each candle as four prices in the order they are taken to have happened."""
    path: list[Decimal] = []
    for opened, high, low, closed in candles:
        path += [opened, high, low, closed] if high - opened < opened - low else [opened, low, high, closed]
    return path


def grid_lines(rules: GridRules) -> list[Decimal]:
    def on_tick(price: Decimal) -> Decimal:
        return (price / rules.tick).quantize(Decimal(1), ROUND_HALF_EVEN) * rules.tick

    lower, upper, n = on_tick(rules.lower), on_tick(rules.upper), rules.grids
    with localcontext() as context:
        context.prec = 50
        if rules.spacing == "arithmetic":
            return [on_tick((lower * (n - i) + upper * i) / n) for i in range(n + 1)]
        growth = (upper / lower).ln() / n
        return [on_tick(lower * (growth * i).exp()) for i in range(n + 1)]


def grid_fills(candles: Iterable[tuple[Decimal, Decimal, Decimal, Decimal]], rules: GridRules) -> list[OracleFill]:
    """Every fill of a grid that starts at the first candle's open and runs to the last one's close, in order."""

    def to_step(amount: Decimal) -> Decimal:
        return (amount / rules.step).to_integral_value(ROUND_FLOOR) * rules.step

    path, lines, n = price_path(candles), grid_lines(rules), rules.grids
    notional, first = rules.investment * rules.leverage, path[0]
    if rules.amount_mode == "quote":
        opens = [to_step(notional / (n * lines[i])) for i in range(n)]
    else:
        opens = [to_step(notional / sum(lines[:-1]))] * n
    long = [rules.direction == "long" or (rules.direction == "neutral" and lines[i + 1] <= first) for i in range(n)]
    waiting = [lines[i] < first if long[i] else lines[i + 1] > first for i in range(n)]

    fills: list[OracleFill] = []
    unseen: list[tuple[int, Decimal]] = []  # (interval, or -1 for the entry; what came in net of the fee)
    resting: dict[int, tuple[str, Decimal, Decimal]] = {}  # interval: side, price, amount
    dust = Decimal(0)
    to_place = {i: opens[i] for i in range(n) if waiting[i]}
    entry = [i for i in range(n) if not waiting[i]]
    entry_amount = sum((opens[i] for i in entry), Decimal(0))

    def trade(point: int, interval: int, side: str, price: Decimal, amount: Decimal, fee: Decimal) -> None:
        fills.append(OracleFill(point, side, price, amount, "entry" if interval < 0 else f"grid:{interval}"))
        in_base = side == "buy" and rules.buyer_pays_in_base
        unseen.append((interval, amount - amount * fee if in_base else amount))

    for point, price in enumerate(path):
        before = path[point - 1] if point else price
        met = [
            (abs(at - before), i)
            for i, (side, at, _) in resting.items()
            if (side == "buy" and min(before, price) <= at) or (side == "sell" and max(before, price) >= at)
        ]
        for _, i in sorted(met):
            trade(point, i, *resting.pop(i), rules.maker_fee)

        seen, unseen[:] = list(unseen), []
        for i, net in seen:
            if i < 0:
                for j in entry:
                    dust += opens[j] * net / entry_amount
                    to_place[j] = to_step(dust)
                    dust -= to_place[j]
            elif waiting[i]:
                to_place[i] = to_step(net + dust) if long[i] else net
                dust += net - to_place[i]
            else:
                to_place[i] = opens[i]
            for j in entry if i < 0 else [i]:
                waiting[j] = not waiting[j] if i >= 0 else False

        if point == 0 and entry:
            trade(0, -1, "buy" if long[entry[0]] else "sell", price, entry_amount, rules.taker_fee)
        for i in sorted(to_place):
            amount = to_place.pop(i)
            side = "buy" if long[i] == waiting[i] else "sell"
            at = lines[i] if side == "buy" else lines[i + 1]
            if (side == "buy" and at >= price) or (side == "sell" and at <= price):
                trade(point, i, side, price, amount, rules.taker_fee)
            else:
                resting[i] = (side, at, amount)
    return fills

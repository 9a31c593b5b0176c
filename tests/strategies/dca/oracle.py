"""Naive deals over points, written from the rules alone: what every faster or fuller machinery has to reproduce.

It shares no code with the strategy, the matching engine or the back-test, and works in fractions. Timing: at every point
first the orders that rest are held against the way from the point before, then the strategy acts once. What it sends at a
point trades at once at that point's price when it is a market order or crosses, else it rests and can trade from the
next way on. What trades at once is known to the strategy only at the next point. A close at market is sent a point after
the stop beside it was taken back (docs/decisions/0017).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from fractions import Fraction
from math import floor
from typing import NamedTuple


class OracleFill(NamedTuple):
    point: int
    slot: str
    deal: int
    side: str
    price: Fraction
    amount: Fraction


@dataclass(frozen=True)
class DealRules:
    """Percentages as 5 for 5 %, fees as fractions, times in milliseconds. ``steps`` are (percent, share)."""

    base: Fraction
    safety: Fraction
    count: int
    active: int
    deviation: Fraction
    step_scale: Fraction
    volume_scale: Fraction
    steps: tuple[tuple[Fraction, Fraction], ...]
    tick: Fraction
    step: Fraction
    least: Fraction
    least_worth: Fraction
    short: bool = False
    linear: bool = False
    maker: Fraction = Fraction(0)
    taker: Fraction = Fraction(0)
    profit_from_base: bool = False
    trailing: Fraction | None = None
    stop: Fraction | None = None
    stop_from_base: bool = False
    timeout: int = 0
    cool_down: int = 0
    longest: int | None = None


class Order(NamedTuple):
    kind: str  # limit, market or stop
    side: str
    price: Fraction
    amount: Fraction


class Known(NamedTuple):
    slot: str
    price: Fraction
    amount: Fraction
    fee: Fraction  # in base


@dataclass
class Deal:
    number: int
    since: int
    base: Order
    opened_at: Fraction = Fraction(0)
    safety: dict[int, tuple[Fraction, Fraction]] = field(default_factory=dict)
    entries: list[tuple[Fraction, Fraction]] = field(default_factory=list)  # price, amount before fees
    out: Fraction = Fraction(0)  # closed since the last entry
    steps: list[int] = field(default_factory=list)
    best: Fraction | None = None
    beyond: int | None = None
    closing: bool = False

    @property
    def average(self) -> Fraction:
        bought = sum((amount for _, amount in self.entries), Fraction(0))
        return sum((price * amount for price, amount in self.entries), Fraction(0)) / bought

    def add(self, price: Fraction, amount: Fraction) -> None:
        """What was closed left at the average: the rest is one entry at that average."""
        if self.out:
            rest = max(Fraction(0), sum(a for _, a in self.entries) - self.out)
            self.entries = [(self.average, rest)]
            self.out = Fraction(0)
        self.entries.append((price, amount))


def dca_fills(points: Sequence[tuple[int, Decimal]], rules: DealRules) -> list[OracleFill]:
    """Every fill of a bot that starts deals at once, in order."""
    return Oracle(rules).run(points)


class Oracle:
    def __init__(self, rules: DealRules) -> None:
        self.rules = rules
        self.up = -1 if rules.short else 1
        self.fills: list[OracleFill] = []
        self.unseen: list[Known] = []
        self.resting: dict[str, tuple[Order, int]] = {}  # with its arrival
        self.deal: Deal | None = None
        self.deals = 0
        self.held = Fraction(0)
        self.over_at: int | None = None
        self.arrivals = 0
        self.sent_for: tuple[int, bool] | None = (0, False)

    def run(self, points: Sequence[tuple[int, Decimal]]) -> list[OracleFill]:
        before: Fraction | None = None
        for index, (time, quoted) in enumerate(points):
            price = Fraction(quoted)
            if before is not None:
                self._travel(index, before, price)
            before = price
            self._act(index, time, price)
        return self.fills

    def _travel(self, index: int, before: Fraction, price: Fraction) -> None:
        low, high = min(before, price), max(before, price)
        met = []
        for slot, (order, arrival) in self.resting.items():
            falls = (order.side == "buy") == (order.kind == "limit")  # a buy limit and a sell stop wait for a fall
            if low <= order.price if falls else high >= order.price:
                already = order.price >= before if falls else order.price <= before
                at = before if order.kind == "stop" and already else order.price
                met.append((abs(at - before), arrival, slot, at))
        for _, _, slot, at in sorted(met):
            order, _ = self.resting.pop(slot)
            self._fill(index, slot, order, at, self.rules.taker if order.kind == "stop" else self.rules.maker)

    def _fill(self, index: int, slot: str, order: Order, at: Fraction, rate: Fraction) -> None:
        assert self.deal is not None
        self.fills.append(OracleFill(index, slot, self.deal.number, order.side, at, order.amount))
        in_base = order.side == "buy" and not self.rules.linear
        self.unseen.append(Known(slot, at, order.amount, order.amount * rate if in_base else Fraction(0)))

    def _act(self, index: int, time: int, price: Fraction) -> None:
        seen, self.unseen = self.unseen, []
        for known in seen:
            self._learn(known)
        deal = self.deal
        if deal is not None and deal.opened_at and not deal.closing:
            self._after_fills(deal, seen, time)
        if self.deal is not None and self.deal.opened_at and not self.deal.closing:
            self._look(self.deal, time, price)
        if self.deal is not None and self.deal.closing and not self._closable(price):
            self.deal, self.over_at = None, time
        if self.deal is None and (self.over_at is None or time >= self.over_at + self.rules.cool_down):
            self.deals += 1
            amount = self._to_step(self.rules.base / price)
            side = "sell" if self.rules.short else "buy"
            self.deal = Deal(self.deals, time, Order("market", side, price, amount))
        # What is wanted changes with a fill, a deal, or its end; prices alone do not, and there are many.
        now = (self.deals if self.deal is not None else 0, self.deal is not None and self.deal.closing)
        if seen or now != self.sent_for:
            self.sent_for = now
            self._send(index, price)

    def _learn(self, known: Known) -> None:
        deal = self.deal
        assert deal is not None
        kind, _, number = known.slot.partition(":")
        if kind in ("base", "safety"):
            deal.add(known.price, known.amount)
            self.held += known.amount - known.fee
        else:
            deal.out += known.amount
            self.held -= known.amount - known.fee
        if kind == "base":
            self._lay_out(deal, known.price)
        elif kind == "safety":
            del deal.safety[int(number)]
            deal.best = None
        elif kind == "take_profit":
            deal.steps.remove(int(number))
        elif kind == "stop":
            deal.closing = True

    def _lay_out(self, deal: Deal, price: Fraction) -> None:
        rules = self.rules
        deal.opened_at = price
        deal.steps = list(range(1, len(rules.steps) + 1))
        away = Fraction(0)
        for k in range(1, rules.count + 1):
            away += rules.deviation * rules.step_scale ** (k - 1)
            at = self._to_tick(price * (1 - self.up * away / 100))
            deal.safety[k] = (at, self._to_step(rules.safety * rules.volume_scale ** (k - 1) / at))

    def _after_fills(self, deal: Deal, seen: list[Known], time: int) -> None:
        if deal.steps:
            return
        last = next(known for known in reversed(seen) if known.slot.startswith("take_profit"))
        if self._closable(last.price):
            deal.steps = [len(self.rules.steps)]  # bought while the take profit was being filled
        else:
            self.deal, self.over_at = None, time

    def _look(self, deal: Deal, time: int, price: Fraction) -> None:
        rules, up = self.rules, self.up
        if rules.stop is not None:
            if up * price <= up * self._stop_at(deal):
                deal.beyond = time if deal.beyond is None else deal.beyond
                deal.closing = time - deal.beyond >= rules.timeout
            else:
                deal.beyond = None
        if not deal.closing and rules.trailing is not None:
            if deal.best is None:
                if up * price >= up * self._profit_at(deal, len(rules.steps)):
                    deal.best = price
            elif up * price > up * deal.best:
                deal.best = price
            elif up * price <= up * self._to_tick(deal.best * (1 - up * rules.trailing / 100)):
                deal.closing = True
        if rules.longest is not None and time - deal.since >= rules.longest:
            deal.closing = True

    def _wanted(self, price: Fraction) -> dict[str, Order]:
        deal, rules = self.deal, self.rules
        if deal is None:
            return {}
        enter, leave = ("sell", "buy") if rules.short else ("buy", "sell")
        if deal.closing:
            return {"close": Order("market", leave, price, self._to_step(self.held))}
        if not deal.opened_at:
            return {"base": deal.base}
        wanted = {f"safety:{k}": Order("limit", enter, *deal.safety[k]) for k in sorted(deal.safety)[: rules.active]}
        whole = left = self._to_step(self.held)
        shares = sum(rules.steps[step - 1][1] for step in deal.steps)
        for step in deal.steps:
            last = step == deal.steps[-1]
            part = left if last else self._to_step(whole * rules.steps[step - 1][1] / shares)
            left -= part
            if not (rules.trailing is not None and step == len(rules.steps)):
                wanted[f"take_profit:{step}"] = Order("limit", leave, self._profit_at(deal, step), part)
        if rules.stop is not None and rules.linear and not rules.timeout:
            wanted["stop"] = Order("stop", leave, self._stop_at(deal), whole)
        return wanted

    def _send(self, index: int, price: Fraction) -> None:
        wanted = self._wanted(price)
        in_flight = {known.slot for known in self.unseen}
        # A close waits for the next point while the stop beside it is taken back: both could fill.
        waits = "close" in wanted and "stop" in self.resting
        self.resting = {slot: each for slot, each in self.resting.items() if wanted.get(slot) == each[0]}
        for slot, order in wanted.items():
            if slot in self.resting or slot in in_flight:
                continue
            if waits and slot == "close":
                self.sent_for = None
                continue
            crosses = order.price >= price if order.side == "buy" else order.price <= price
            if order.kind == "market" or (order.kind == "limit" and crosses):
                self._fill(index, slot, order, price, self.rules.taker)
            else:
                self.arrivals += 1
                self.resting[slot] = (order, self.arrivals)

    def _profit_at(self, deal: Deal, step: int) -> Fraction:
        reference = deal.opened_at if self.rules.profit_from_base else deal.average
        return self._to_tick(reference * (1 + self.up * self.rules.steps[step - 1][0] / 100))

    def _stop_at(self, deal: Deal) -> Fraction:
        assert self.rules.stop is not None
        reference = deal.opened_at if self.rules.stop_from_base else deal.average
        return self._to_tick(reference * (1 - self.up * self.rules.stop / 100))

    def _closable(self, price: Fraction) -> bool:
        amount = self._to_step(self.held)
        return amount >= self.rules.least and (self.rules.linear or amount * price >= self.rules.least_worth)

    def _to_tick(self, price: Fraction) -> Fraction:
        return round(price / self.rules.tick) * self.rules.tick

    def _to_step(self, amount: Fraction) -> Fraction:
        return floor(amount / self.rules.step) * self.rules.step

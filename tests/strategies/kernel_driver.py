"""What every :class:`~strategies.kernel.KernelStrategy` has to keep: compiled it decides as Python does, to the last bit,
and where it says that it will do nothing, it does nothing."""

from __future__ import annotations

import math
import random
from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal
from typing import Any, NamedTuple, Protocol

import numpy as np

from strategies.contract import FillSeen, MarketSpec, Point, PositionView
from strategies.kernel import (
    EVERY_ROW,
    MOST_NOTES,
    NO_ROW,
    NOTE_NUMBERS,
    KernelStrategy,
    OrderRow,
    Tick,
    features_row,
    fill_rows,
    order_rows,
    tick_of,
)
from strategies.state import packed, packed_tuple, unpacked
from tests.strategies.rough_exchange import RoughExchange

Kernel = KernelStrategy[Any, Any, Any]

# Prices and times tried within one quiet zone.
TRIES = 8
PARTS = (Decimal(1), Decimal(1), Decimal("0.37"))


class Given(Protocol):
    """What one step is given; a step recorded by ``strategies.checks.steps`` is one, too."""

    @property
    def point(self) -> Point: ...

    @property
    def position(self) -> PositionView: ...

    @property
    def fills(self) -> Sequence[FillSeen]: ...


class Seen(NamedTuple):
    point: Point
    position: PositionView
    fills: tuple[FillSeen, ...]


def played(
    strategy: Kernel, config: Any, market: MarketSpec, points: Iterable[Point], *, seed: int = 0, prompt: bool = False
) -> Iterator[Seen]:
    """The strategy's steps at these points on a :class:`RoughExchange`: fills in pieces, some after the cancel, and now and
    then an order whose rest is given up. Ends where the strategy does."""
    dice = random.Random(seed)
    exchange = RoughExchange(market, prompt)
    state = strategy.initial_state(config, market)
    for point in points:
        price = market.quantise_price(point.price)
        fills = exchange.move(price, dice.choice(PARTS))
        partly = [
            wish
            for wish, order in exchange.orders.items()
            if exchange.left[wish] < market.quantise_amount(order.amount)
        ]
        if partly and dice.random() < 0.2:
            fills.append(exchange.give_up(dice.choice(partly)))
        seen = Seen(point, exchange.position(price), tuple(fills))
        yield seen
        decision = strategy.step(config, market, state, *seen)
        if decision.finish is not None:
            return
        state = decision.state
        exchange.set_orders(decision.wanted)


def walk(
    count: int, *, start: float, stride: float, seed: int, jump: float = 0.0, seconds: int = 60, tick: str = "0.01"
) -> list[Point]:
    """A seeded walk of prices on the tick; one step in fifty is a jump of ``jump`` strides."""
    dice = random.Random(seed)
    price, points = start, []
    for number in range(count):
        price += dice.gauss(0, stride) + (dice.choice((-1, 1)) * jump * stride if dice.random() < 0.02 else 0)
        price = max(price, start / 10)
        points.append(Point((number + 1) * seconds * 1000, float(round(price / float(tick)) * Decimal(tick))))
    return points


def assert_same_compiled(
    strategy: Kernel, config: Any, market: MarketSpec, ticks_with_fills: Iterable[Given]
) -> dict[str, int]:
    """Compares, after every step, every field of the state, every order, every note and the quiet zone, bit by bit.

    Returns how often each slot was wanted: a test says which it meant to see.
    """
    parameters = strategy.parameters(config, market)
    numbers = packed_tuple(parameters)
    plain = strategy.initial_state(config, market)
    record = packed(plain)
    orders, rows = [OrderRow() for _ in range(strategy.most_orders(config))], order_rows(strategy.MOST_ORDERS)
    wanted: dict[str, int] = {}
    for number, given in enumerate(ticks_with_fills):
        tick = tick_of(given.point, given.position)
        values = features_row(given.point.features, strategy.columns(config))
        fills = [strategy.fill_row(fill) for fill in given.fills]
        notes, told = _notes(), _notes()
        where = f"step {number} at {given.point.price} with fills {fills}"

        _same(strategy.quiet.plain(parameters, plain, tick), strategy.quiet(numbers, record, tick), "zone", where)
        over = strategy.advance.plain(parameters, plain, tick, values, fills, len(fills), notes)
        ended = strategy.advance(numbers, record, tick, np.array(values), fill_rows(fills), len(fills), told)
        _same(over, ended, "end", where)
        _same(plain, unpacked(record, plain), "state", where)
        _same(notes.tolist(), told.tolist(), "notes", where)
        count = strategy.wanted.plain(parameters, plain, orders)
        _same(count, strategy.wanted(numbers, record, rows), "count of orders", where)
        for place in range(count):
            _same(orders[place], OrderRow(*rows[place].item()), f"order {place}", where)
            slot = strategy.order(config, market, plain, orders[place])[0]
            assert strategy.slot_number(slot) == orders[place].slot < strategy.SLOTS
            wanted[slot] = wanted.get(slot, 0) + 1
        assert len({order.slot for order in orders[:count]}) == count, f"two orders in one slot at {where}"
        _same(strategy.quiet.plain(parameters, plain, tick), strategy.quiet(numbers, record, tick), "zone", where)
        if over:
            break
    return wanted


def assert_quiet_is_honest(
    strategy: Kernel, config: Any, market: MarketSpec, ticks_with_fills: Iterable[Given], *, seed: int = 0
) -> int:
    """Tries prices and times within the zone of every state passed: nothing may change, be told or be wanted otherwise.

    Returns how many states had a zone.
    """
    dice = random.Random(seed)
    parameters = strategy.parameters(config, market)
    state = strategy.initial_state(config, market)
    most = strategy.most_orders(config)
    zones = 0
    for given in ticks_with_fills:
        tick = tick_of(given.point, given.position)
        values = features_row(given.point.features, strategy.columns(config))
        fills = [strategy.fill_row(fill) for fill in given.fills]
        low, high, until, rows = strategy.quiet.plain(parameters, state, tick)
        if not fills and low < tick.price < high and tick.timestamp < until and not rows:  # what a live tick goes by
            _assert_nothing_happens(strategy, parameters, state, tick, values, most)
        over = strategy.advance.plain(parameters, state, tick, values, fills, len(fills), _notes())
        low, high, until, rows = strategy.quiet.plain(parameters, state, tick)
        if low < high and tick.timestamp < until:
            assert not over, "a strategy that has finished says so at every step"
            zones += 1
            for price in _prices(dice, tick.price, low, high):
                later = tick._replace(
                    price=price,
                    timestamp=min(tick.timestamp + dice.choice((0, 1, 60_000, 10**9, 10**11)), until - 1),
                    unrealised_pnl=tick.amount * (price - tick.average_price),
                )
                seen = values
                if rows != EVERY_ROW and values:
                    later = later._replace(candle_close=tick.candle_close + 60_000)
                if rows == NO_ROW and values:
                    seen = [dice.choice((math.nan, value, value * dice.uniform(0.5, 2))) for value in values]
                _assert_nothing_happens(strategy, parameters, state, later, seen, most)
        if over:
            break
    return zones


def _assert_nothing_happens(
    strategy: Kernel, parameters: Any, state: Any, tick: Tick, values: list[float], most: int
) -> None:
    after, notes = state.copy(), _notes()
    over = strategy.advance.plain(parameters, after, tick, values, [], 0, notes)
    assert not over, f"it finished in its quiet zone at {tick}"
    assert notes[0, 0] == 0, f"it told something in its quiet zone at {tick}"
    _same(state, after, "state in its quiet zone", str(tick))
    before, later = ([OrderRow() for _ in range(most)] for _ in range(2))
    strategy.wanted.plain(parameters, state, before)
    strategy.wanted.plain(parameters, after, later)
    _same(before, later, "orders in its quiet zone", str(tick))


def _prices(dice: random.Random, price: float, low: float, high: float) -> list[float]:
    """Within the zone, first of all at its very ends."""
    low, high = max(low, price / 10), min(high, price * 10)
    width = high - low
    tried = [math.nextafter(low, high), math.nextafter(high, low), low + width * 1e-9, high - width * 1e-9, price]
    tried += [dice.uniform(low, high) for _ in range(TRIES - len(tried))]
    return [each for each in tried if low < each < high]


def _notes() -> Any:
    return np.zeros((MOST_NOTES + 1, NOTE_NUMBERS + 1))


def _same(here: Any, there: Any, what: str, where: str) -> None:
    """By how they are written: that tells 0 from 0.0 and from −0.0, and NaN is NaN."""
    assert repr(here) == repr(there), f"{what} as Python {here}, compiled {there}, at {where}"

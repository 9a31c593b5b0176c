"""From what is wanted and what stands to what must be done. Pure: no database, no exchange, no clock."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from bots.lifecycle import OrderStatus
from strategies.contract import MarketSpec, OrderType, Reason, Side, WantedOrder

Wish = tuple[str, int]

# After a refusal the same wish is tried again, ever more slowly.
FIRST_RETRY = timedelta(seconds=1)
LONGEST_RETRY = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class Standing:
    """One order of a wish, as the database has it."""

    order_id: int
    slot: str
    sequence: int
    attempt: int
    status: OrderStatus
    settled: bool
    refused: bool
    cancel_requested: bool
    amount: Decimal
    filled: Decimal
    price: Decimal | None
    trigger_price: Decimal | None
    closed_at: datetime | None

    @property
    def wish(self) -> Wish:
        return self.slot, self.sequence


@dataclass(frozen=True, slots=True)
class Placement:
    wanted: WantedOrder
    side: Side
    type: OrderType
    amount: Decimal
    price: Decimal | None
    trigger_price: Decimal | None
    attempt: int


@dataclass(frozen=True, slots=True)
class Refusal:
    """A wish that cannot be an order on this market."""

    wanted: WantedOrder
    amount: Decimal
    reason: str


@dataclass(frozen=True, slots=True)
class Plan:
    place: tuple[Placement, ...]
    cancel: tuple[tuple[int, Reason], ...]
    refuse: tuple[Refusal, ...]


NOT_WANTED = Reason("plan.not_wanted")
REPLACED = Reason("plan.replaced")


def wishes_without_order(wanted: Sequence[WantedOrder], live: Sequence[Standing]) -> list[Wish]:
    """Those whose earlier attempts have to be looked up before anything is placed."""
    standing = {order.wish for order in live}
    return [(order.slot, order.sequence) for order in wanted if (order.slot, order.sequence) not in standing]


def make_plan(
    wanted: Sequence[WantedOrder],
    live: Sequence[Standing],
    earlier: Mapping[Wish, Sequence[Standing]],
    market: MarketSpec,
    price: Decimal,
    now: datetime,
) -> Plan:
    """``live`` is every order that stands or may stand; ``earlier`` the finished attempts of the wanted wishes.

    A wish whose order differs in price or amount is cancelled now and placed anew when the cancel is certain: two
    orders never stand for one wish.
    """
    place: list[Placement] = []
    cancel: list[tuple[int, Reason]] = []
    refuse: list[Refusal] = []
    by_wish = {order.wish: order for order in live}
    wishes = {(order.slot, order.sequence) for order in wanted}
    for standing_order in live:
        if standing_order.wish not in wishes and not standing_order.cancel_requested:
            cancel.append((standing_order.order_id, NOT_WANTED))
    for order in wanted:
        wish = (order.slot, order.sequence)
        attempts = earlier.get(wish, ())
        amount = market.quantise_amount(order.amount)
        limit = market.quantise_price(order.price) if order.price is not None else None
        trigger = market.quantise_price(order.trigger_price) if order.trigger_price is not None else None
        left = amount - sum((attempt.filled for attempt in attempts), Decimal(0))
        standing = by_wish.get(wish)
        if standing is not None:
            same = standing.price == limit and standing.trigger_price == trigger and standing.amount == left
            if not same and not standing.cancel_requested:
                cancel.append((standing.order_id, REPLACED))
            continue
        if any(not attempt.settled for attempt in attempts) or _must_wait(attempts, now):
            continue
        if attempts and left < market.step:
            continue
        complaint = _impossible(market, left, limit or trigger or price, order.reduce_only)
        if complaint:
            refuse.append(Refusal(order, left, complaint))
            continue
        place.append(Placement(order, order.side, order.type, left, limit, trigger, len(attempts)))
    return Plan(tuple(place), tuple(cancel), tuple(refuse))


def _must_wait(attempts: Sequence[Standing], now: datetime) -> bool:
    refusals = 0
    last: datetime | None = None
    for attempt in sorted(attempts, key=lambda item: item.attempt, reverse=True):
        if not attempt.refused:
            break
        refusals += 1
        last = last or attempt.closed_at
    if not refusals or last is None:
        return False
    wait: timedelta = min(FIRST_RETRY * 2 ** min(refusals - 1, 20), LONGEST_RETRY)
    return now - last < wait


def _impossible(market: MarketSpec, amount: Decimal, price: Decimal, reduce_only: bool) -> str:
    """What the exchange would refuse, said before it is sent."""
    if amount < market.min_amount or amount <= 0:
        return f"amount {amount} is below the market's minimum of {market.min_amount} {market.base}"
    if market.max_amount is not None and amount > market.max_amount:
        return f"amount {amount} is above the market's maximum of {market.max_amount} {market.base}"
    notional = amount * price
    if market.min_notional is not None and notional < market.min_notional and not reduce_only:
        return f"its value of {notional:f} {market.quote} is below the market's minimum of {market.min_notional}"
    return ""
